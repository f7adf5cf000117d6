#!/usr/bin/env pwsh
# The verbs of ./task for PowerShell. Programs that are missing are named, not installed.
# The stack's up and down work by signals, so on Windows use: ./task.ps1 demo

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
if (-not $env:CARGO_TARGET_DIR) { $env:CARGO_TARGET_DIR = Join-Path $PSScriptRoot 'target' }
if (-not $env:OPSSEER_AI__MODELS_DIR) { $env:OPSSEER_AI__MODELS_DIR = Join-Path $PSScriptRoot 'data/models' }

function Show-Usage {
    Write-Output @'
./task.ps1 VERB

  demo [--fast] [--exit] [--json FILE] [--scenario FILE] [--keep-data DIR]
              build, start the stack, break a service, follow the alert to a resolved incident
  up [--fast] start the stack and leave it running       down   stop it
  ps          list what runs                             logs [NAME] [-f]   show its logs
  test        everything that must pass                  lint   format, clippy, runbooks, documentation, licences
  bench       measure speed, into target/bench.json      eval [DIR]   measure on public data (../shared/data)
  models [ROLE...] fetch the models, as a rule those that this version uses; ./task.ps1 models list shows all
  help        this text
'@
}

function Write-Heading([string] $Text) {
    Write-Output ''
    Write-Output "== $Text"
}

function Test-Program([string] $Name) {
    $null -ne (Get-Command $Name -CommandType Application -ErrorAction SilentlyContinue)
}

function Assert-Program([string[]] $Names, [string] $Hint) {
    foreach ($name in $Names) { if (Test-Program $name) { return } }
    throw "$($Names -join ' or ') is missing: $Hint"
}

function Assert-Rust {
    Assert-Program @('cargo') 'install Rust from https://rustup.rs'
    if (-not $IsWindows) { Assert-Program @('cc') 'install a C compiler' }
}

function Assert-Monitoring {
    $hint = 'put the releases of Prometheus and Alertmanager from https://prometheus.io/download/ on the PATH'
    Assert-Program @('prometheus') $hint
    Assert-Program @('alertmanager', 'prometheus-alertmanager') $hint
}

function Invoke-Program {
    $program, $arguments = $args
    & $program @arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Get-OpsSeer {
    $name = if ($IsWindows) { 'opsseer.exe' } else { 'opsseer' }
    Join-Path $env:CARGO_TARGET_DIR "release/$name"
}

function Invoke-Build {
    Assert-Rust
    Write-Heading 'Building (the first time takes some minutes)'
    Invoke-Program cargo build --release --locked --bin opsseer --bin toyprod
}

function Invoke-Lint {
    Assert-Rust
    Write-Heading 'Format'
    Invoke-Program cargo fmt --all --check
    Write-Heading 'Clippy'
    Invoke-Program cargo clippy --workspace --all-targets --locked '--' -D warnings
    Write-Heading 'Runbooks: every alert has one, every link leads somewhere'
    $rules = (Get-ChildItem ops/prometheus/rules/*.yml).FullName
    Invoke-Program cargo run --quiet --locked --bin opsseer '--' runbooks lint --rules @rules --runbooks runbooks
    Write-Heading 'Documentation'
    $env:RUSTDOCFLAGS = '-D warnings'
    Invoke-Program cargo doc --workspace --no-deps --locked
    Write-Heading 'Licences and advisories'
    if (Test-Program 'cargo-deny') {
        Invoke-Program cargo deny --locked check
    } else {
        Write-Output 'skipped: cargo-deny is not installed (cargo install --locked cargo-deny)'
    }
}

function Invoke-Tests {
    Assert-Rust
    Assert-Monitoring
    Assert-Program @('promtool') 'it comes with Prometheus'
    Assert-Program @('amtool') 'it comes with Alertmanager'
    Assert-Program @('chromedriver') 'install Chromium and its chromedriver'
    Write-Heading 'Rules, routing and runbooks'
    if (Test-Program 'bash') { Invoke-Program bash ops/check } else { Write-Output 'skipped: ops/check needs bash' }
    Invoke-Lint
    Write-Heading 'Building programs and tests'
    Invoke-Program cargo build --workspace --bins --tests --locked
    Write-Heading 'Tests, with the end-to-end test on the real Prometheus and Alertmanager'
    Invoke-Program cargo test --workspace --locked
    Write-Heading 'All tests passed'
}

$verb, $rest = $args
if (-not $verb) { $verb = 'help' }
$rest = @($rest | Where-Object { $null -ne $_ })
switch ($verb) {
    'demo' { Assert-Monitoring; Invoke-Build; Invoke-Program (Get-OpsSeer) demo @rest }
    'up' { Assert-Monitoring; Invoke-Build; Invoke-Program (Get-OpsSeer) stack up @rest }
    { $_ -in 'down', 'ps', 'logs' } { Invoke-Program (Get-OpsSeer) stack $verb @rest }
    'test' { Invoke-Tests }
    'lint' { Invoke-Lint }
    'bench' { Invoke-Build; Invoke-Program (Get-OpsSeer) bench @rest }
    'eval' {
        $data = if ($rest.Count -gt 0) { $rest[0] } else { '../shared/data' }
        Invoke-Build
        $more = @($rest | Select-Object -Skip 1)
        Invoke-Program (Get-OpsSeer) eval all --data $data --out docs @more
    }
    'models' {
        Invoke-Build
        if ($rest.Count -gt 0 -and $rest[0] -in 'list', 'pull', 'verify') { Invoke-Program (Get-OpsSeer) models @rest }
        else { Invoke-Program (Get-OpsSeer) models pull @rest }
    }
    { $_ -in 'help', '-h', '--help' } { Show-Usage }
    default { Show-Usage; throw "there is no verb `"$verb`"" }
}
