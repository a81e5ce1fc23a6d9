#!/usr/bin/env bash
# Builds the real servers that are missing (Synapse, Mattermost, Gitea with a runner, a Kubernetes control plane) and installs what they and the
# browser test need on a bare Debian machine. A second run takes seconds. Servers that E2E_* variables name are left out.
#   KUBE_AGENT_RIGS   where they are kept, default ~/.cache/kube-agent-rigs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${KUBE_AGENT_RIGS:-$HOME/.cache/kube-agent-rigs}

declare -A packages=([git]=git [curl]=curl [tmux]=tmux [openssl]=openssl [gcc]=gcc [flock]=util-linux [setsid]=util-linux [python3]=python3-venv)
[ -n "${KUBE_AGENT_BROWSER:-}" ] || packages[chromium]=chromium
missing=()
for command in "${!packages[@]}"; do command -v "$command" >/dev/null || missing+=("${packages[$command]}"); done
if command -v gcc >/dev/null && [ ! -e /usr/include/stdlib.h ]; then missing+=(libc6-dev); fi
if command -v python3 >/dev/null && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then missing+=(python3-venv); fi
if [ ${#missing[@]} -gt 0 ]; then
  echo "build.sh: installing ${missing[*]}"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "build.sh: missing: ${missing[*]}; install them and try again" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
command -v go >/dev/null || { echo "build.sh: Go 1.26 is needed for Mattermost, Gitea and Kubernetes (https://go.dev), or E2E_* variables that name running servers" >&2; exit 1; }

[ -n "${E2E_MATRIX_URL:-}" ] || RIGS_CACHE=$root bash "$here/matrix/build.sh"
RIGS_CACHE=$root bash "$here/mattermost/build.sh" >/dev/null
[ -n "${E2E_GITEA_URL:-}" ] || RIGS_CACHE=$root/gitea bash "$here/gitea/build.sh"
[ -n "${E2E_KUBECONFIG:-}" ] || RIGS_CACHE=$root/kubernetes bash "$here/kubernetes/build.sh"
