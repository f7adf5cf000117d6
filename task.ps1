#!/usr/bin/env pwsh
# The verbs of ./task for PowerShell. Programs that are missing are named, not installed.
# The native stack's up and down work by signals, so on Windows use: ./task.ps1 demo, or the stack in containers

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
              with --docker: the stack of ops/compose.yaml, in containers (docs/docker.md); up --docker [--fast]
              [--profile core|demo|ai]; down --docker [--volumes] also deletes its data. Without --docker, down, ps and
              logs find what runs
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

# The verbs of ops/docker/stack, which is what ./task uses, for machines without bash. The settings are the same.
$settings = 'ops/.env'

function Assert-Docker {
    Assert-Program @('docker') 'install Docker Engine, or Docker Desktop'
    docker version *> $null
    if ($LASTEXITCODE -ne 0) { throw 'the Docker engine does not answer' }
    docker compose version *> $null
    if ($LASTEXITCODE -ne 0) { throw 'Docker Compose 2 is missing: install docker-compose-plugin' }
}

function New-Password {
    $bytes = [byte[]]::new(24)
    [System.Security.Cryptography.RandomNumberGenerator]::Fill($bytes)
    -join ($bytes | ForEach-Object { $_.ToString('x2') })
}

# The passwords are made here and nowhere else, so that no installation has those of another.
function Write-Settings {
    if (Test-Path $settings) { return }
    # Made empty and closed first, so that nobody reads the passwords in between.
    New-Item -ItemType File -Path $settings | Out-Null
    if (-not $IsWindows) { chmod 600 $settings }
    Set-Content -Path $settings -Encoding ascii -Value @(
        '# Settings of ops/compose.yaml for this machine, not for Git. Written by ./task.ps1 up --docker; yours to change.'
        'COMPOSE_PROJECT_NAME=opsseer'
        'COMPOSE_PROFILES=demo'
        '# Of an empty database: afterwards change it there too.'
        "POSTGRES_PASSWORD=$(New-Password)"
        '# Of the user admin. Of an empty volume, too.'
        "GRAFANA_ADMIN_PASSWORD=$(New-Password)"
        '# What Grafana and its image renderer know each other by.'
        "RENDERER_TOKEN=$(New-Password)"
    )
    Write-Output "Wrote $settings with new passwords."
}

function Invoke-Compose {
    if (-not $env:COMPOSE_FILE) { $env:COMPOSE_FILE = 'ops/compose.yaml' }
    # Docker Desktop's socket belongs to root within its machine.
    if (-not $env:DOCKER_GID -and $IsLinux) { $env:DOCKER_GID = stat -L -c %g /var/run/docker.sock }
    Invoke-Program docker compose --env-file $settings @args
}

function Start-Containers([string[]] $Arguments) {
    Assert-Docker
    for ($i = 0; $i -lt $Arguments.Count; $i++) {
        switch ($Arguments[$i]) {
            '--docker' { }
            '--fast' { $env:OPSSEER_PROFILE = 'fast'; $env:PROMETHEUS_RESEND_DELAY = '3s' }
            '--profile' {
                $i++
                $env:COMPOSE_PROFILES = $Arguments[$i]
                if (",$($Arguments[$i])," -like '*,ai,*' -and -not $env:OPSSEER_AI_URL) { $env:OPSSEER_AI_URL = 'http://opsseer-ai:8888' }
            }
            default { throw "up --docker does not know $_" }
        }
    }
    Write-Settings
    # Without the demo's Prometheus nothing is known of the rules.
    $profiles = if ($env:COMPOSE_PROFILES) { $env:COMPOSE_PROFILES } else { (Select-String -Path $settings -Pattern '^COMPOSE_PROFILES=(.*)').Matches.Groups[1].Value }
    if (-not $env:OPSSEER_PROFILE -and ",$profiles," -notlike '*,demo,*') { $env:OPSSEER_PROFILE = 'core' }
    if (-not $env:OPSSEER_MODELS -and (Test-Path (Join-Path $env:OPSSEER_AI__MODELS_DIR 'embeddings'))) {
        $env:OPSSEER_MODELS = (Resolve-Path $env:OPSSEER_AI__MODELS_DIR).Path
    }
    Write-Heading 'Building the images (the first time takes some minutes)'
    Invoke-Compose build
    Write-Heading 'Starting'
    Invoke-Compose up --detach --no-build --remove-orphans --wait --wait-timeout 180
    Invoke-Compose ps
    Write-Output "OpsSeer: http://127.0.0.1:8888  Grafana: http://127.0.0.1:3000, user admin, its password is in $settings"
}

# down, ps and logs: of the stack that is meant or that runs.
function Test-Containers([string[]] $Arguments) {
    if ($Arguments -contains '--docker') { return $true }
    if ((Test-Path 'data/stack/state.json') -or -not (Test-Path $settings) -or -not (Test-Program 'docker')) { return $false }
    [bool](docker ps --quiet --filter 'label=com.docker.compose.project=opsseer')
}

function Invoke-Containers([string] $Verb, [string[]] $Arguments) {
    Assert-Docker
    if (-not (Test-Path $settings)) { throw "there is no $settings, so nothing was started from here: ./task.ps1 up --docker" }
    # Everything that may run, whichever profile it was started with.
    $env:COMPOSE_PROFILES = 'core,demo,ai'
    $more = @($Arguments | Where-Object { $_ -ne '--docker' })
    switch ($Verb) {
        'down' { Invoke-Compose down --remove-orphans @more }
        'ps' { Invoke-Compose ps @more }
        'logs' {
            $flags = @($more | Where-Object { $_ -like '-*' })
            $services = @($more | Where-Object { $_ -notlike '-*' })
            Invoke-Compose logs --tail=200 @flags @services
        }
    }
}

$verb, $rest = $args
if (-not $verb) { $verb = 'help' }
$rest = @($rest | Where-Object { $null -ne $_ })
switch ($verb) {
    'demo' { Assert-Monitoring; Invoke-Build; Invoke-Program (Get-OpsSeer) demo @rest }
    'up' {
        if ($rest -contains '--docker') { Start-Containers $rest }
        else { Assert-Monitoring; Invoke-Build; Invoke-Program (Get-OpsSeer) stack up @rest }
    }
    { $_ -in 'down', 'ps', 'logs' } {
        if (Test-Containers $rest) { Invoke-Containers $verb $rest } else { Invoke-Program (Get-OpsSeer) stack $verb @rest }
    }
    'test' {
        if ($rest -contains '--docker') { throw 'test --docker makes its images with debootstrap: run it on Linux with ./task' }
        Invoke-Tests
    }
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
