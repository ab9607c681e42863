#!/usr/bin/env bash
# Runs the pipeline and the tests on the current stack (TFX 1.21), also on a machine with a glibc older than 2.39.
#
#     tests/current_stack.sh [--only set-up|run|test|faults] [--remove] [-- ARGUMENTS OF THE TARGET]
#
# If the machine's glibc is older, everything runs in a Debian 13 root under .current/root. It is created once, in 2
# minutes, and kept: 1 GB, and 4 GB of Python packages. Its mounts are in a separate namespace, which ends with this
# script, even if it is killed. --remove only removes the root. Nothing is installed on the machine. The root has no
# Chromium: tests of the browser run on the machine itself. Prism is the build of the machine, even if its Beam has
# another version, so that CI builds only one.
set -euo pipefail

self=$(readlink -f "${BASH_SOURCE[0]}")
top=$(dirname "$(dirname "$self")")
current=$top/.current
root=$current/root
packages="python3 python3-venv python3-dev g++ make git ca-certificates postgresql util-linux procps"
bundle=/etc/ssl/certs/ca-certificates.crt

say() { printf 'current stack: %s\n' "$*"; }
fail() {
  say "$*." >&2
  exit 2
}

copy_checkout() { # to a folder; its existing .venv and .tools are kept
  mkdir -p "$1"
  find "$1" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools -exec rm -rf {} +
  cd "$top"
  { git -c safe.directory='*' ls-files -z --cached --others --exclude-standard --deduplicate; printf '.git\0'; } |
    while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
    tar --create --null --files-from=- | tar --extract --no-same-owner --directory="$1"
}

make_root() {
  if [ "$(cat "$root/.complete" 2>/dev/null)" = "$packages" ]; then return; fi
  say "creating a Debian 13 root in $root, about 2 minutes"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  log=$current/root.log
  if ! debootstrap --variant=minbase trixie "$root" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    fail "debootstrap failed, fix what $log shows and try again"
  fi
  printf 'force-unsafe-io\n' >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io" # an incomplete root is created again
  printf 'exit 101\n' >"$root/usr/sbin/policy-rc.d" # no service may start in it
  chmod +x "$root/usr/sbin/policy-rc.d"
}

inside() { # runs in the namespace: mounts file systems, then changes to the root
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  if [ -d "$top/../shared" ]; then # optional data of some tests
    mkdir -p "$root/shared"
    mount --bind "$top/../shared" "$root/shared"
    mount -o remount,bind,ro "$root/shared"
  fi
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  mapfile -t variables < <(env | grep -E '^(PIP_[A-Z_]+|[A-Za-z]+_(proxy|PROXY)|UV_[A-Z_]*(INDEX|HTTP)[A-Z_]*|COVERAGE_[A-Z]+|CI|TERM)=' |
    grep -vE '^(PIP_CERT|PIP_CONFIG_FILE)=')
  variables+=(HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    PRISM=${prism:+/src/.tools/prism} SSL_CERT_FILE=$bundle REQUESTS_CA_BUNDLE=$bundle CURL_CA_BUNDLE=$bundle PIP_CERT=$bundle)
  within() { env -i "${variables[@]}" chroot "$root" "$@"; }
  if [ ! -e "$root/.complete" ]; then
    if ! within sh -c "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages && apt-get clean" \
      >>"$current/root.log" 2>&1; then
      tail -n 5 "$current/root.log" >&2
      fail "the root's packages could not be installed, fix what $current/root.log shows and try again"
    fi
    printf '%s' "$packages" >"$root/.complete"
  fi
  if [ -e "${SSL_CERT_FILE:-$bundle}" ]; then cp -L "${SSL_CERT_FILE:-$bundle}" "$root$bundle"; fi
  for target in "$@"; do
    say "make $target"
    within make -C /src "$target" ${arguments:+"ARGS=$arguments"}
  done
}

targets=(run test)
: "${arguments:=}"
while [ $# -gt 0 ]; do
  case $1 in
  --inside)
    shift
    inside "$@"
    exit
    ;;
  --remove)
    rm -rf --one-file-system "$current"
    exit
    ;;
  --only)
    case ${2:-} in set-up | run | test | faults) targets=("$2") ;; *) fail "--only takes set-up, run, test or faults" ;; esac
    shift
    ;;
  --)
    shift
    export arguments=$*
    break
    ;;
  *) fail "$1 is not an option: use tests/current_stack.sh [--only set-up|run|test|faults] [--remove] [-- ARGUMENTS]" ;;
  esac
  shift
done

command -v git >/dev/null || fail "git is missing: install it with \`apt-get install -y git\` and try again"
glibc=$(getconf GNU_LIBC_VERSION | cut -d ' ' -f 2)
if printf '2.39\n%s\n' "$glibc" | sort --check=quiet --version-sort; then
  say "this machine has glibc $glibc: no root is needed"
  copy_checkout "$current/src"
  if [ -d "$top/../shared" ]; then ln -sfn "$top/../shared" "$current/shared"; fi
  for target in "${targets[@]}"; do make -C "$current/src" STACK=current "$target" ${arguments:+"ARGS=$arguments"}; done
  exit
fi
PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || fail "creating the root requires the user root: use \`sudo make test-current\`"
command -v debootstrap >/dev/null || fail "debootstrap is missing: install it with \`apt-get install -y debootstrap\` and try again"
unshare --mount --pid --fork true 2>/dev/null || fail "mounts are not permitted in this container: start it with \`--privileged\` and try again"
make_root
find "$root/tmp" -mindepth 1 -maxdepth 1 -exec rm -rf {} + # files of killed tests
copy_checkout "$root/src"
export prism=
if [ "${targets[*]}" != set-up ]; then
  # If CI is building it in the background, this waits for that build.
  prism=$(cd "$top" && python3 tests/prism.py 2>"$current/prism.log") || say "no Prism: $(tail -n 1 "$current/prism.log")"
  if [ -n "$prism" ]; then mkdir -p "$root/src/.tools" && cp "$prism" "$root/src/.tools/prism"; fi
fi
# In the background, so that the trap handles a signal immediately; the shell ignores INT in background commands, which
# tests need.
env --default-signal=INT,QUIT setpriv --pdeathsig KILL \
  unshare --mount --pid --fork --kill-child "$BASH" "$self" --inside "${targets[@]}" &
trap 'kill -KILL $!' INT TERM HUP
wait $!
