# OpsSeer's image with the models in it, so that a pod needs no network for them. In the folder of the repository:
#   ./task models
#   docker build --file ops/kubernetes/models.Dockerfile --build-arg OPSSEER=localhost/opsseer:0.1.0 --tag localhost/opsseer-models:0.1.0 data
ARG OPSSEER
FROM ${OPSSEER}
COPY models /models
