# The newest released wheel of a GitHub repository; `download-wheel.ps1 --help` says how.
# For PowerShell 5.1 and later, on any system.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$usage = @'
Usage: $env:GITHUB_REPOSITORY = 'owner/name'; ./download-wheel.ps1

Downloads the wheel of the newest release of a GitHub repository and prints its path.

  GITHUB_REPOSITORY  owner/name of the repository (required)
  GITHUB_TOKEN       a token, for a private repository or a higher rate limit
  GITHUB_API_URL     the API of a GitHub Enterprise server (https://api.github.com)
  TAG                the tag of the release to take instead of the newest
  DEST               the directory to put the wheel in (.)

Exit status: 0 done, 1 no wheel was to be had, 2 called wrongly.
'@

function Stop-Download([int] $Status, [string] $Text) {
    [Console]::Error.WriteLine("download-wheel: $Text")
    exit $Status
}

function Get-Setting([string] $Name, [string] $Default = '') {
    $value = [Environment]::GetEnvironmentVariable($Name)
    if ($value) { $value } else { $Default }
}

# The answer to a GET request, whatever its status, with its whole body read.
function Get-Answer([string] $Url, [string] $Accept) {
    try {
        $request = New-Object System.Net.Http.HttpRequestMessage ([System.Net.Http.HttpMethod]::Get), $Url
        $request.Headers.Add('Accept', $Accept)
        $request.Headers.Add('User-Agent', 'download-wheel')
        # HttpClient drops this header when it follows a redirect.
        if ($token) { $request.Headers.Add('Authorization', "Bearer $token") }
        $client.SendAsync($request).GetAwaiter().GetResult()
    } catch {
        Stop-Download 1 "cannot get ${Url}: $($_.Exception.GetBaseException().Message)"
    }
}

function Get-Json($Answer) {
    try {
        ConvertFrom-Json ($Answer.Content.ReadAsStringAsync().GetAwaiter().GetResult())
    } catch {
        $null
    }
}

function Get-Field($Object, [string] $Name) {
    if ($Object -is [System.Management.Automation.PSCustomObject] -and $Object.PSObject.Properties[$Name]) {
        $Object.$Name
    }
}

function Get-Header($Answer, [string] $Name) {
    $values = $null
    if ($Answer.Headers.TryGetValues($Name, [ref] $values)) { @($values)[-1] }
}

# Says why an answer's status is not 200.
function Stop-Refused([string] $Url, $Answer) {
    $http = [int] $Answer.StatusCode
    if ($http -eq 401) { Stop-Download 1 "HTTP 401 from ${api}: GITHUB_TOKEN is wrong or has expired" }
    if ($http -eq 429 -or ($http -eq 403 -and (Get-Header $Answer 'x-ratelimit-remaining') -eq '0')) {
        $until = ''
        $reset = Get-Header $Answer 'x-ratelimit-reset'
        if ($reset -match '^\d{1,11}$') {
            $until = ' until ' + [DateTimeOffset]::FromUnixTimeSeconds([long] $reset).ToString('yyyy-MM-ddTHH:mm:ssZ')
        }
        Stop-Download 1 "the rate limit of $api is used up$until; wait, or set GITHUB_TOKEN for a higher one"
    }
    $message = Get-Field (Get-Json $Answer) 'message'
    if ($message) { $message = ": $message" }
    Stop-Download 1 "HTTP $http from $Url$message"
}

if ($args.Count -gt 0) {
    if ($args[0] -in '-h', '-help', '--help') {
        $usage
        exit 0
    }
    Stop-Download 2 "unknown argument '$($args[0])'; the settings are variables, see --help"
}

$repository = Get-Setting 'GITHUB_REPOSITORY'
$token = Get-Setting 'GITHUB_TOKEN'
$api = (Get-Setting 'GITHUB_API_URL' 'https://api.github.com') -replace '/$', ''
$tag = Get-Setting 'TAG'
$dest = Get-Setting 'DEST' '.'
if (-not $repository) { Stop-Download 2 'set GITHUB_REPOSITORY to the owner/name of the repository' }
if ($repository -notmatch '^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+\z') {
    Stop-Download 2 "GITHUB_REPOSITORY is '$repository', which is not owner/name"
}
if ($token -notmatch '^[A-Za-z0-9._-]*\z') { Stop-Download 2 'GITHUB_TOKEN holds a character that no token has' }
try {
    $directory = (New-Item -ItemType Directory -Force -Path $dest).FullName
} catch {
    Stop-Download 1 "cannot make the directory '$dest'"
}

Add-Type -AssemblyName System.Net.Http
[System.Net.ServicePointManager]::SecurityProtocol =
    [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
$client = New-Object System.Net.Http.HttpClient
$client.Timeout = [TimeSpan]::FromMinutes(10)

$release = "$api/repos/$repository/releases/latest"
if ($tag) { $release = "$api/repos/$repository/releases/tags/$([Uri]::EscapeDataString($tag))" }
$answer = Get-Answer $release 'application/vnd.github+json'
if ([int] $answer.StatusCode -eq 404) {
    $url = "$api/repos/$repository"
    $answer = Get-Answer $url 'application/vnd.github+json'
    switch ([int] $answer.StatusCode) {
        200 {
            $tagged = ''
            if ($tag) { $tagged = " tagged $tag" }
            Stop-Download 1 "$repository has no release$tagged"
        }
        404 { Stop-Download 1 "there is no repository $repository at $api (a private one needs GITHUB_TOKEN)" }
    }
    Stop-Refused $url $answer
}
if ([int] $answer.StatusCode -ne 200) { Stop-Refused $release $answer }

$found = Get-Json $answer
if (-not ($found -is [System.Management.Automation.PSCustomObject] -and $found.PSObject.Properties['assets'])) {
    Stop-Download 1 "the answer of $release is not a release in JSON"
}
$name = Get-Field $found 'tag_name'
$wheels = @(
    @(Get-Field $found 'assets') | Where-Object {
        (Get-Field $_ 'name') -match '^\w[\w.+!-]*\.whl\z' -and (Get-Field $_ 'state') -in $null, 'uploaded'
    }
)
$universal = @($wheels | Where-Object { $_.name.EndsWith('-none-any.whl') })
if ($universal.Count -gt 0) { $wheels = $universal }
if ($wheels.Count -eq 0) { Stop-Download 1 "${repository}: release $name has no wheel" }
if ($wheels.Count -gt 1) {
    $names = $wheels.name -join ' '
    Stop-Download 1 "${repository}: release $name has $($wheels.Count) wheels, and none that fits every platform: $names"
}
$wheel = $wheels[0]
if (-not ((Get-Field $wheel 'url') -is [string] -and (Get-Field $wheel 'size') -is [ValueType])) {
    Stop-Download 1 "the answer of $release is not a release in JSON"
}

$answer = Get-Answer $wheel.url 'application/octet-stream'
if ([int] $answer.StatusCode -ne 200) { Stop-Refused $wheel.url $answer }
$bytes = $answer.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult()
if ($bytes.Length -ne $wheel.size) {
    Stop-Download 1 "the download of $($wheel.name) was cut short: $($bytes.Length) of $($wheel.size) bytes"
}
# Written beside the wheel and then renamed: the wheel is there whole or not at all.
$scratch = Join-Path $directory ".download-wheel.$PID"
try {
    [IO.File]::WriteAllBytes($scratch, $bytes)
    Move-Item -Force -LiteralPath $scratch -Destination (Join-Path $directory $wheel.name)
} catch {
    Stop-Download 1 "cannot write '$(Join-Path $dest $wheel.name)'"
} finally {
    Remove-Item -Force -ErrorAction SilentlyContinue -LiteralPath $scratch
}
Join-Path $dest $wheel.name
