#!/usr/bin/env bash
# Builds kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, etcd and kwok from the Go module
# cache/proxy (needs only Go >= the version in go.mod) into $RIGS_CACHE/bin. Idempotent: what is there with the
# right version is skipped. No docker, no download of binaries.
#   RIGS_CACHE   default ~/.cache/kube-agent-rigs/kubernetes
#   RIGS_BUILD_P parallel compile processes (default: all cores)
#   RIGS_NICE    nice level (default 10)
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${RIGS_CACHE:-$HOME/.cache/kube-agent-rigs/kubernetes}
BIN=$CACHE/bin
mkdir -p "$BIN"
exec 9>"$CACHE/build.lock"
if command -v flock >/dev/null; then flock 9; fi       # two builders never race

command -v go >/dev/null || { echo "build.sh: Go is needed (see go.mod for the version)" >&2; exit 1; }
export CGO_ENABLED=0 GOTOOLCHAIN=${GOTOOLCHAIN:-local} GOFLAGS="-mod=readonly -buildvcs=false${RIGS_BUILD_P:+ -p=$RIGS_BUILD_P}"
# The scripts in this folder also need openssl (present nearly everywhere; else: apt-get install openssl).
command -v openssl >/dev/null || echo "build.sh: note: up.sh needs openssl (apt-get install -y openssl)" >&2

cd "$HERE"
ver() { awk -v m="$1" '$1==m && $2 ~ /^v/ {print $2; exit} $1=="require" && $2==m {print $3; exit}' go.mod; }
K8S=$(ver k8s.io/kubernetes); ETCD=$(ver go.etcd.io/etcd/server/v3); KWOK=$(ver sigs.k8s.io/kwok)
GOV=$(go env GOVERSION)
STAMP_SRC=$( (cat go.mod go.sum; echo "$GOV") | sha256sum | cut -c1-16)
minor=${K8S#v1.}; minor=${minor%%.*}
bd=$(go list -m -f '{{if .Time}}{{.Time.Format "2006-01-02T15:04:05Z"}}{{end}}' k8s.io/kubernetes 2>/dev/null || true)
[ -n "$bd" ] || bd=1970-01-01T00:00:00Z

k8sld=""
for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  k8sld+=" -X $p.gitVersion=$K8S -X $p.gitMajor=1 -X $p.gitMinor=$minor -X $p.gitTreeState=clean"
  k8sld+=" -X $p.gitCommit=${K8S#v} -X $p.buildDate=$bd"
done

built=0
build() {  # name package ldflags
  local name=$1 pkg=$2 ld=$3 t0 t1
  if [ -x "$BIN/$name" ] && [ "$(cat "$BIN/.$name.stamp" 2>/dev/null)" = "$STAMP_SRC" ]; then
    echo "build.sh: $name present"; return 0
  fi
  echo "build.sh: building $name ($pkg) ..."
  t0=$(date +%s)
  nice -n "${RIGS_NICE:-10}" go build -trimpath -ldflags "-s -w $ld" -o "$BIN/.$name.new" "$pkg"
  mv -f "$BIN/.$name.new" "$BIN/$name"
  t1=$(date +%s)
  echo "$STAMP_SRC" > "$BIN/.$name.stamp"
  printf '%s %s %ss %s bytes load=%s\n' "$(date -u +%FT%TZ)" "$name" "$((t1-t0))" "$(stat -c %s "$BIN/$name")" \
    "$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || echo '?')" | tee -a "$CACHE/build-times.txt"
  built=1
}
build etcd                    go.etcd.io/etcd/server/v3                       ""
build kube-apiserver          k8s.io/kubernetes/cmd/kube-apiserver            "$k8sld"
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager   "$k8sld"
build kube-scheduler          k8s.io/kubernetes/cmd/kube-scheduler            "$k8sld"
build kubectl                 k8s.io/kubernetes/cmd/kubectl                   "$k8sld"
build kwok                    sigs.k8s.io/kwok/cmd/kwok                       ""


# kwok's CRDs come from the kwok module itself (nothing copied into this folder).
kwokdir=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)
[ -n "$kwokdir" ] || { go mod download sigs.k8s.io/kwok; kwokdir=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok); }
if [ "$(cat "$CACHE/kwok-crds/.stamp" 2>/dev/null)" != "$KWOK" ]; then
  rm -rf "$CACHE/kwok-crds"; mkdir -p "$CACHE/kwok-crds"
  install -m 0644 "$kwokdir"/kustomize/crd/bases/*.yaml "$CACHE/kwok-crds/"
  echo "$KWOK" > "$CACHE/kwok-crds/.stamp"
fi
printf 'kubernetes %s\netcd %s\nkwok %s\ngo %s\n' "$K8S" "$ETCD" "$KWOK" "$GOV" > "$CACHE/VERSIONS"
if [ $built = 0 ]; then echo "build.sh: nothing to build ($BIN)"; else echo "build.sh: done ($BIN)"; fi
