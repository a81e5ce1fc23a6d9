#!/usr/bin/env bash
# up.sh DIR : starts etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok (fake kubelets) on
# 127.0.0.1, free ports, own certificates; writes DIR/kubeconfig (cluster-admin client certificate) and DIR/pids;
# returns when the API is ready, controllers run and the fake nodes are Ready.
#   RIG_ADDONS=0           1 = CoreDNS deployment/service + kube-proxy daemonset in kube-system (fake pods, real objects)
#   RIG_NODES=3            fake worker nodes (worker-1 ...); 0 = none
#   RIG_AUDIT=0            1 = audit log (Metadata level) in DIR/log/audit.log: shows exactly what a client did
#   RIG_NODE_GRACE=50s     kube-controller-manager --node-monitor-grace-period (default as upstream)
#   RIG_EVENT_TTL=1h       apiserver --event-ttl (default as upstream)
#   RIG_APISERVER_ARGS, RIG_KCM_ARGS, RIG_ETCD_ARGS, RIG_KWOK_ARGS   extra flags
#   RIG_TIMEOUT=240        seconds to wait for readiness
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -E; trap 'echo "up.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
[ $# = 1 ] || die "usage: up.sh DIR"
mkdir -p "$1"; RIG_DIR=$(cd "$1" && pwd)
for b in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok; do
  [ -x "$RIG_BIN/$b" ] || die "$RIG_BIN/$b missing: run build.sh first"
done
command -v openssl >/dev/null || die "openssl is needed (apt-get install -y openssl)"
if [ -s "$RIG_DIR/pids" ]; then
  while read -r n p s; do pid_is "$p" "$s" && die "already running in $RIG_DIR ($n pid $p); run down.sh $RIG_DIR first"; done < "$RIG_DIR/pids"
fi
# from here on: whatever goes wrong, nothing is left running
trap 'rc=$?; if [ $rc != 0 ] && [ -s "$RIG_DIR/pids" ]; then "$RIG_HERE/down.sh" "$RIG_DIR" >&2 || true; fi; exit $rc' EXIT
trap 'exit 130' INT TERM
T0=$(now_ms)
mkdir -p "$RIG_DIR"/{pki,log,conf,logs,etcd}; chmod 700 "$RIG_DIR/pki" "$RIG_DIR/etcd"
: > "$RIG_DIR/pids"
release_ports "$RIG_DIR"

# ---------- certificates (kept when DIR is started again) ----------
P=$RIG_DIR/pki
if [ ! -s "$P/.done" ]; then
  q() { openssl "$@" >/dev/null 2>"$P/openssl.err" || { cat "$P/openssl.err" >&2; die "openssl $1 failed"; }; }
  newca() { q ecparam -name prime256v1 -genkey -noout -out "$P/$1.key"
            q req -x509 -new -key "$P/$1.key" -subj "/CN=$2" -days 3650 -sha256 -out "$P/$1.crt" \
              -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature; }
  cert() { # name ca subject usage [san]
    q ecparam -name prime256v1 -genkey -noout -out "$P/$1.key"
    q req -new -key "$P/$1.key" -subj "$3" -out "$P/$1.csr"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n%s' "$4" "${5:+subjectAltName=$5
}" > "$P/$1.ext"
    q x509 -req -in "$P/$1.csr" -CA "$P/$2.crt" -CAkey "$P/$2.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 -sha256 -extfile "$P/$1.ext" -out "$P/$1.crt"
    rm -f "$P/$1.csr" "$P/$1.ext"; }
  ( umask 077
    newca ca kubernetes; newca front-proxy-ca front-proxy-ca
    cert apiserver ca /CN=kube-apiserver serverAuth "IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    cert kubelet ca /O=system:nodes/CN=system:node:kwok serverAuth "IP:127.0.0.1,DNS:localhost"
    cert admin ca /O=system:masters/CN=kubernetes-admin clientAuth
    cert kwok ca /O=system:masters/CN=kwok clientAuth
    cert controller-manager ca /CN=system:kube-controller-manager clientAuth
    cert scheduler ca /CN=system:kube-scheduler clientAuth
    cert apiserver-kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
    cert front-proxy-client front-proxy-ca /CN=front-proxy-client clientAuth
    q genrsa -out "$P/sa.key" 2048; q rsa -in "$P/sa.key" -pubout -out "$P/sa.pub" )
  echo ok > "$P/.done"
fi
b64() { openssl base64 -A -in "$1"; }

start() { # name command...   (own session, no inherited descriptors, cwd = DIR)
  local name=$1; shift
  ( cd "$RIG_DIR"; exec setsid "$@" </dev/null >>"$RIG_DIR/log/$name.log" 2>&1 8>&- 9>&- ) &
  local pid=$! s i
  for i in 1 2 3 4 5 6 7 8 9 10; do s=$(pid_start $pid) && break; sleep 0.02; done
  echo "$name $pid ${s:-0}" >> "$RIG_DIR/pids"
  disown $pid 2>/dev/null || true
}
fail() { echo "up.sh: $*" >&2; for f in "$RIG_DIR"/log/*.log; do [ "${f##*/}" = audit.log ] || { echo "--- ${f##*/}"; tail -n 5 "$f" | cut -c1-400; } >&2; done
         exit 1; }
alive() { local n p s; while read -r n p s; do pid_is "$p" "$s" || { DEAD=$n; return 1; }; done < "$RIG_DIR/pids"; }
DEADLINE=$(( $(now_ms) + ${RIG_TIMEOUT:-240}*1000 ))
wait_for() { # what command...
  local what=$1; shift
  until "$@" >/dev/null 2>&1; do
    alive || fail "$DEAD died while waiting for $what"
    [ "$(now_ms)" -lt "$DEADLINE" ] || fail "timed out waiting for $what"
    sleep 0.1
  done
}

# the ports of last time where they are still free (nodes remember the kubelet port, clients the kubeconfig)
OLD=$(sed 's/.*=//' "$RIG_DIR/ports" 2>/dev/null | tr '\n' ' ' || true)
read -r ETCD PEER API KCM SCHED KWOK < <(free_ports "$RIG_DIR" 6 $OLD)
printf 'etcd=%s\netcd-peer=%s\napiserver=%s\ncontroller-manager=%s\nscheduler=%s\nkubelet=%s\n' $ETCD $PEER $API $KCM $SCHED $KWOK > "$RIG_DIR/ports"
kubeconfig() { # file user certname
  cat > "$1" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: rig
  cluster: {server: "https://127.0.0.1:$API", certificate-authority-data: $(b64 "$P/ca.crt")}
users:
- name: $2
  user: {client-certificate-data: $(b64 "$P/$3.crt"), client-key-data: $(b64 "$P/$3.key")}
contexts:
- name: rig
  context: {cluster: rig, user: $2}
current-context: rig
YAML
  chmod 600 "$1"; }
kubeconfig "$RIG_DIR/kubeconfig" kubernetes-admin admin
kubeconfig "$RIG_DIR/conf/kcm.kubeconfig" system:kube-controller-manager controller-manager
kubeconfig "$RIG_DIR/conf/scheduler.kubeconfig" system:kube-scheduler scheduler
kubeconfig "$RIG_DIR/conf/kwok.kubeconfig" kwok kwok

# ---------- etcd ----------
start etcd "$RIG_BIN/etcd" --name rig --data-dir "$RIG_DIR/etcd" --unsafe-no-fsync --log-level warn \
  --listen-client-urls "http://127.0.0.1:$ETCD" --advertise-client-urls "http://127.0.0.1:$ETCD" \
  --listen-peer-urls "http://127.0.0.1:$PEER" --initial-advertise-peer-urls "http://127.0.0.1:$PEER" \
  --initial-cluster "rig=http://127.0.0.1:$PEER" --quota-backend-bytes 4294967296 --auto-compaction-retention 10m ${RIG_ETCD_ARGS:-}

# ---------- kube-apiserver ----------
AUDIT=()
if [ "${RIG_AUDIT:-0}" = 1 ]; then
  printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n' > "$RIG_DIR/conf/audit.yaml"
  AUDIT=(--audit-policy-file "$RIG_DIR/conf/audit.yaml" --audit-log-path "$RIG_DIR/log/audit.log")
fi
start kube-apiserver "$RIG_BIN/kube-apiserver" --etcd-servers "http://127.0.0.1:$ETCD" \
  --bind-address 127.0.0.1 --secure-port "$API" --advertise-address 10.0.0.10 \
  --tls-cert-file "$P/apiserver.crt" --tls-private-key-file "$P/apiserver.key" --client-ca-file "$P/ca.crt" \
  --service-account-issuer https://kubernetes.default.svc.cluster.local \
  --service-account-key-file "$P/sa.pub" --service-account-signing-key-file "$P/sa.key" \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --enable-bootstrap-token-auth --allow-privileged \
  --service-cluster-ip-range 10.96.0.0/16 --event-ttl "${RIG_EVENT_TTL:-1h}" \
  --kubelet-client-certificate "$P/apiserver-kubelet-client.crt" --kubelet-client-key "$P/apiserver-kubelet-client.key" \
  --kubelet-certificate-authority "$P/ca.crt" --kubelet-preferred-address-types InternalIP,Hostname \
  --requestheader-client-ca-file "$P/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
  --requestheader-extra-headers-prefix X-Remote-Extra- --requestheader-group-headers X-Remote-Group --requestheader-username-headers X-Remote-User \
  --proxy-client-cert-file "$P/front-proxy-client.crt" --proxy-client-key-file "$P/front-proxy-client.key" \
  ${AUDIT[@]+"${AUDIT[@]}"} ${RIG_APISERVER_ARGS:-}
wait_for "kube-apiserver /readyz" kctl get --raw /readyz
T1=$(now_ms)

# ---------- controllers, scheduler ----------
start kube-controller-manager "$RIG_BIN/kube-controller-manager" --kubeconfig "$RIG_DIR/conf/kcm.kubeconfig" \
  --authentication-kubeconfig "$RIG_DIR/conf/kcm.kubeconfig" --authorization-kubeconfig "$RIG_DIR/conf/kcm.kubeconfig" \
  --bind-address 127.0.0.1 --secure-port "$KCM" --leader-elect=false --controllers '*,bootstrapsigner,tokencleaner' \
  --service-account-private-key-file "$P/sa.key" --root-ca-file "$P/ca.crt" --use-service-account-credentials \
  --client-ca-file "$P/ca.crt" --requestheader-client-ca-file "$P/front-proxy-ca.crt" \
  --cluster-signing-cert-file "$P/ca.crt" --cluster-signing-key-file "$P/ca.key" --cluster-name rig \
  --allocate-node-cidrs --cluster-cidr 10.244.0.0/16 --service-cluster-ip-range 10.96.0.0/16 \
  --node-monitor-grace-period "${RIG_NODE_GRACE:-50s}" --kube-api-qps 300 --kube-api-burst 500 ${RIG_KCM_ARGS:-}
cat > "$RIG_DIR/conf/scheduler.yaml" <<YAML
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: "$RIG_DIR/conf/scheduler.kubeconfig", qps: 500, burst: 1000}
YAML
start kube-scheduler "$RIG_BIN/kube-scheduler" --config "$RIG_DIR/conf/scheduler.yaml" --bind-address 127.0.0.1 --secure-port "$SCHED" \
  --authentication-kubeconfig "$RIG_DIR/conf/scheduler.kubeconfig" --authorization-kubeconfig "$RIG_DIR/conf/scheduler.kubeconfig" \
  --client-ca-file "$P/ca.crt" --requestheader-client-ca-file "$P/front-proxy-ca.crt"

# ---------- kwok: the fake kubelets ----------
wait_for "CRDs applied" kctl apply --server-side -f "$RIG_CACHE/kwok-crds"
crds_ready() { [ "$(kctl get crd -o jsonpath='{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Established")].status}{"\n"}{end}' | grep -c 'kwok.x-k8s.io True')" -ge 12 ]; }
wait_for "CRDs established" crds_ready
wait_for "stages applied" kctl apply --server-side -f "$RIG_HERE/base/kubelet.yaml" -f "$RIG_HERE/base/kubelet-pods.yaml"
# A node is run by a (fake) kubelet as long as it has this label (on real nodes too); taking the label off = kubelet dead.
# (Annotations do not work for that: kwok filters them on its own side and misses the change; beta.kubernetes.io/os and
# kubernetes.io/os do not either: the controller-manager puts them back.)
start kwok "$RIG_BIN/kwok" --kubeconfig "$RIG_DIR/conf/kwok.kubeconfig" \
  --manage-nodes-with-label-selector=node.kubernetes.io/instance-type \
  --node-ip 127.0.0.1 --node-port "$KWOK" --server-address "127.0.0.1:$KWOK" --cidr 10.244.0.0/16 \
  --tls-cert-file "$P/kubelet.crt" --tls-private-key-file "$P/kubelet.key" --node-lease-duration-seconds 40 \
  --enable-crds Stage,Logs,ClusterLogs,Attach,ClusterAttach,Exec,ClusterExec,PortForward,ClusterPortForward,ResourceUsage,ClusterResourceUsage,Metric ${RIG_KWOK_ARGS:-}
wait_for "kube-controller-manager" kctl -n default get serviceaccount default
wait_for "kube-scheduler" curl -fsk --max-time 2 "https://127.0.0.1:$SCHED/healthz"
wait_for "kwok" curl -fsk --max-time 2 "https://127.0.0.1:$KWOK/healthz"

# ---------- nodes ----------
for n in $(kctl get nodes -o jsonpath='{range .items[?(@.status.daemonEndpoints.kubeletEndpoint.Port!='"$KWOK"')]}{.metadata.name} {end}' 2>/dev/null); do
  kctl patch node "$n" --subresource=status -p "{\"status\":{\"daemonEndpoints\":{\"kubeletEndpoint\":{\"Port\":$KWOK}}}}" >/dev/null
done
if [ "${RIG_NODES:-3}" -gt 0 ]; then RIG_QUIET=1 "$RIG_HERE/nodes.sh" "$RIG_DIR" 1 "${RIG_NODES:-3}"; fi
if [ "${RIG_ADDONS:-0}" = 1 ]; then
  mkdir -p "$RIG_DIR/logs/kube-system"
  RIG_QUIET=1 "$RIG_HERE/apply.sh" "$RIG_DIR" "$RIG_HERE/base/addons"
  addons_ready() { [ "$(kctl -n kube-system get deploy coredns -o jsonpath='{.status.readyReplicas}')" = 2 ]; }
  wait_for "kube-system addons" addons_ready
fi
alive || fail "$DEAD died"
T2=$(now_ms)
echo "api_ready_ms=$((T1-T0)) all_ready_ms=$((T2-T0))" > "$RIG_DIR/timings"
say "ready: https://127.0.0.1:$API (API after $((T1-T0)) ms, nodes after $((T2-T0)) ms)"
say "export KUBECONFIG=$RIG_DIR/kubeconfig"
