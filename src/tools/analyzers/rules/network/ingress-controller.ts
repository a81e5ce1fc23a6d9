import type { Evidence, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'

/** Images of controllers that run in the cluster, by what an IngressClass calls them. Others may run anywhere. */
const images: Record<string, RegExp> = {
  'k8s.io/ingress-nginx': /ingress-nginx\/controller|nginx-ingress-controller/,
  'nginx.org/ingress-controller': /nginx\/nginx-(plus-)?ingress|nginx-ingress/,
  'traefik.io/ingress-controller': /(^|\/)traefik(:|@|$)/,
  'haproxy.org/ingress-controller': /haproxytech\/kubernetes-ingress/,
  'haproxy-ingress.github.io/controller': /haproxy-ingress/,
  'projectcontour.io/ingress-controller': /projectcontour\/contour/,
  'ingress-controllers.konghq.com/kong': /kong\/kubernetes-ingress-controller/,
}

/** The workload that should serve a class and has no ready pod. Nothing is said about a controller that cannot be seen. */
export function controllerTrouble(
  { spec }: ObjectOf<'IngressClass'>,
  snapshot: Snapshot,
): { workload: ObjectRef; evidence: Evidence } | undefined {
  const controller = spec?.controller ?? ''
  const image = Object.hasOwn(images, controller) ? images[controller] : undefined
  if (!image) return undefined
  const candidates = [
    ...snapshot
      .list('Deployment')
      .map((one) => ({ ...one, kind: 'Deployment', ready: one.status?.readyReplicas ?? 0 })),
    ...snapshot.list('DaemonSet').map((one) => ({ ...one, kind: 'DaemonSet', ready: one.status?.numberReady ?? 0 })),
  ].filter(({ spec: own }) => own?.template?.spec?.containers?.some((container) => image.test(container.image ?? '')))
  const [first] = candidates
  if (!first || candidates.some(({ ready }) => ready > 0)) return undefined
  const workload = refOf(first.kind, first.metadata)
  const path = first.kind === 'DaemonSet' ? 'status.numberReady' : 'status.readyReplicas'
  return { workload, evidence: { object: workload, path, value: '0' } }
}
