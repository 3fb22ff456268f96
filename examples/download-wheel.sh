#!/bin/sh
# The newest released wheel of a GitHub repository; `download-wheel.sh --help` says how.
set -eu

usage() {
    cat <<'USAGE'
Usage: GITHUB_REPOSITORY=owner/name download-wheel.sh

Downloads the wheel of the newest release of a GitHub repository and prints its path.

  GITHUB_REPOSITORY  owner/name of the repository (required)
  GITHUB_TOKEN       a token, for a private repository or a higher rate limit
  GITHUB_API_URL     the API of a GitHub Enterprise server (https://api.github.com)
  TAG                the tag of the release to take instead of the newest
  DEST               the directory to put the wheel in (.)

Needs curl and jq. Exit status: 0 done, 1 no wheel was to be had, 2 called wrongly or a tool is missing.
USAGE
}

fail() {
    printf 'download-wheel: %s\n' "$2" >&2
    exit "$1"
}

authorization() {
    [ -z "${GITHUB_TOKEN:-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$GITHUB_TOKEN"
}

# get URL ACCEPT FILE: leaves the HTTP status in $http.
# The token goes through curl's standard input, because a list of processes shows arguments.
get() {
    http=$(
        authorization | curl --config - --silent --show-error --location --proto =http,https \
            --connect-timeout 20 --speed-limit 1 --speed-time 60 --header "Accept: $2" \
            --dump-header "$scratch/headers" --output "$3" --write-out '%{http_code}' "$1" 2>"$scratch/trouble"
    ) || fail 1 "cannot get $1: $(tail -n 1 "$scratch/trouble")"
}

# header NAME: the last answer's value of it, or nothing.
header() {
    tr -d '\r' <"$scratch/headers" | awk -F ': *' -v name="$1" 'tolower($1) == name { value = $2 } END { print value }'
}

# refused URL FILE: says why $http, the answer to URL, is not 200.
refused() {
    case "$http" in
        401) fail 1 "HTTP 401 from $api: GITHUB_TOKEN is wrong or has expired" ;;
        403 | 429)
            if [ "$(header x-ratelimit-remaining)" = 0 ] || [ "$http" = 429 ]; then
                reset=$(jq -nr --arg seconds "$(header x-ratelimit-reset)" '$seconds | tonumber | todate' 2>/dev/null) || reset=
                fail 1 "the rate limit of $api is used up${reset:+ until $reset}; wait, or set GITHUB_TOKEN for a higher one"
            fi
            ;;
    esac
    message=$(jq -r '.message // empty' "$2" 2>/dev/null | head -n 1) || message=
    fail 1 "HTTP $http from $1${message:+: $message}"
}

case "${1-}" in
    '') ;;
    -h | --help)
        usage
        exit
        ;;
    *) fail 2 "unknown argument '$1'; the settings are variables, see --help" ;;
esac
for tool in curl jq; do
    command -v "$tool" >/dev/null || fail 2 "$tool is not installed, and this script needs it"
done

repository=${GITHUB_REPOSITORY:-}
api=${GITHUB_API_URL:-https://api.github.com}
api=${api%/}
tag=${TAG:-}
dest=${DEST:-.}
case "$repository" in
    '') fail 2 'set GITHUB_REPOSITORY to the owner/name of the repository' ;;
    */*/* | /* | */ | *[!A-Za-z0-9._/-]*) fail 2 "GITHUB_REPOSITORY is '$repository', which is not owner/name" ;;
    */*) ;;
    *) fail 2 "GITHUB_REPOSITORY is '$repository', which is not owner/name" ;;
esac
case "${GITHUB_TOKEN:-}" in
    *[!A-Za-z0-9._-]*) fail 2 'GITHUB_TOKEN holds a character that no token has' ;;
esac
case "$dest" in
    -*) dest=./$dest ;;
esac
mkdir -p "$dest" 2>/dev/null || fail 1 "cannot make the directory '$dest'"
# Within DEST, so that the last step is a rename: the wheel is there whole or not at all.
scratch=$(mktemp -d "$dest/.download-wheel.XXXXXX" 2>/dev/null) || fail 1 "cannot write to the directory '$dest'"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

release=$api/repos/$repository/releases/latest
[ -z "$tag" ] || release=$api/repos/$repository/releases/tags/$(jq -nr --arg tag "$tag" '$tag | @uri')
get "$release" application/vnd.github+json "$scratch/release"
if [ "$http" = 404 ]; then
    get "$api/repos/$repository" application/vnd.github+json "$scratch/repository"
    case "$http" in
        200) fail 1 "$repository has no release${tag:+ tagged $tag}" ;;
        404) fail 1 "there is no repository $repository at $api (a private one needs GITHUB_TOKEN)" ;;
    esac
    refused "$api/repos/$repository" "$scratch/repository"
fi
[ "$http" = 200 ] || refused "$release" "$scratch/release"

# One wheel as its address, size and name on three lines; or an empty line and what is wrong.
choice=$(
    jq -er '
        .tag_name as $tag
        | [.assets[] | select((.state // "uploaded") == "uploaded" and (.name | test("^\\w[\\w.+!-]*\\.whl$")))]
        | (map(select(.name | endswith("-none-any.whl"))) | select(length > 0)) // .
        | if length == 1 then .[0] | if (.url | type) == "string" and (.size | type) == "number" then .url, .size, .name
                                     else error("not a release asset") end
          elif length == 0 then "", "release \($tag) has no wheel"
          else "", "release \($tag) has \(length) wheels, and none that fits every platform: \(map(.name) | join(" "))" end
    ' "$scratch/release" 2>/dev/null
) && [ -n "$choice" ] || fail 1 "the answer of $release is not a release in JSON"
{
    read -r url
    read -r size
    read -r name || true
} <<CHOICE
$choice
CHOICE
[ -n "$url" ] || fail 1 "$repository: $size"

get "$url" application/octet-stream "$scratch/wheel"
[ "$http" = 200 ] || refused "$url" "$scratch/wheel"
arrived=$(($(wc -c <"$scratch/wheel")))
[ "$arrived" = "$size" ] || fail 1 "the download of $name was cut short: $arrived of $size bytes"
mv -f "$scratch/wheel" "$dest/$name" 2>/dev/null || fail 1 "cannot write '$dest/$name'"
printf '%s\n' "$dest/$name"
