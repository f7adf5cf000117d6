"""Writes vectors.json: what Python's onnxruntime and tokenizers make of a few texts.

    pip install onnxruntime tokenizers numpy
    python crates/ai/tests/vectors.py FOLDER_OF_THE_MODELS > crates/ai/tests/vectors.json
"""

import json
import sys

import numpy
import onnxruntime
from tokenizers import Tokenizer

TEXTS = [
    "",
    "disk",
    "ToyProdHighErrorRate",
    "More than 10 % of toyprod's requests fail.",
    'sum by (route) (rate(toyprod_requests_total{status=~"5.."}[5m])) / 0.1 > 1e-3',
    "KubePodCrashLooping: Pod prod/checkout-7f9c4 is in waiting state (reason: \"CrashLoopBackOff\").",
    "Die Festplatte läuft voll – größer als 95 %",
    "磁盘已满 disk full 디스크",
    "tab\tand\r\nline ends, \u200bzero width, \u0000 and \ufffd",
    "e\u0301te\u0301 ÀÉÎ ﬁ ǅ İstanbul",
    "x" * 101 + " " + "y" * 100,
    "Check the certificate. " * 100,
    "`kubectl -n prod rollout undo deploy/checkout` → wait ✅ 🚀",
]


def main():
    folder = sys.argv[1] + "/embeddings"
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    session = onnxruntime.InferenceSession(folder + "/model.onnx", providers=["CPUExecutionProvider"])
    known = []
    for text in TEXTS:
        tokens = numpy.array([tokenizer.encode(text).ids], dtype=numpy.int64)
        [layer] = session.run(
            None,
            {
                "input_ids": tokens,
                "attention_mask": numpy.ones_like(tokens),
                "token_type_ids": numpy.zeros_like(tokens),
            },
        )
        mean = layer[0].mean(axis=0)
        vector = mean / numpy.linalg.norm(mean)
        known.append({"text": text, "begins": [round(float(x), 5) for x in vector[:8]]})
    json.dump(known, sys.stdout, ensure_ascii=True, indent=1)
    print()


main()
