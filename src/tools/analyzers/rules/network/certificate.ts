import type { Analyzer, Evidence, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { CertificateFacts } from '../../kinds/pem.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { type Expiry, expiryOf, firstToEnd } from '../expiry.ts'
import { merged } from '../merge.ts'
import { about, byNamespace, distinct, fullName, listed } from '../phrases.ts'

/** Certificates of TLS Secrets: whether they hold, and for the names they are used for. Keys are never looked at. */
export const certificate: Analyzer = {
  name: 'Certificate',
  finds: 'TLS certificates in secrets that have expired, expire soon, cannot be read, or are for other hosts',
  core: false,
  reads: ['TlsSecret', 'Ingress', 'Gateway', 'Certificate'],
  inspect(snapshot) {
    const uses = Map.groupBy(usesOf(snapshot), ({ secret }) => secret)
    const wishes = byNamespace(snapshot.list('Certificate'))
    return merged([
      ...snapshot.list('TlsSecret').flatMap((secret) => {
        const own = uses.get(fullName(secret.metadata)) ?? []
        return [
          ...unreadable(secret, own, snapshot),
          ...expiring(
            secret,
            own,
            isRenewed(secret, wishes.get(secret.metadata.namespace ?? '') ?? [], snapshot),
            snapshot,
          ),
          ...uncovered(secret, own),
        ]
      }),
      ...snapshot.list('Certificate').flatMap((wish) => unfulfilled(wish, snapshot)),
    ])
  },
}

type Secret = ObjectOf<'TlsSecret'>
type Wish = ObjectOf<'Certificate'>

/** An Ingress or Gateway that shows a Secret's certificate to the callers of some hosts. */
interface Use {
  secret: string
  user: ObjectRef
  owner: ObjectRef
  hosts: string[]
}

function usesOf(snapshot: Snapshot): Use[] {
  const ingresses = snapshot.list('Ingress').flatMap(({ metadata, spec }) =>
    (spec?.tls ?? []).map(({ secretName = '', hosts = [] }) => ({
      secret: fullName({ namespace: metadata.namespace, name: secretName }),
      user: refOf('Ingress', metadata),
      owner: snapshot.ownerOf('Ingress', metadata),
      hosts,
    })),
  )
  const gateways = snapshot.list('Gateway').flatMap(({ metadata, spec }) =>
    (spec?.listeners ?? []).flatMap(({ hostname, tls }) =>
      (tls?.certificateRefs ?? []).map(({ namespace = metadata.namespace, name }) => ({
        secret: fullName({ namespace, name }),
        user: refOf('Gateway', metadata),
        owner: snapshot.ownerOf('Gateway', metadata),
        hosts: hostname === undefined ? [] : [hostname],
      })),
    ),
  )
  return [...ingresses, ...gateways]
}

const usersOf = (uses: Use[]): string[] => distinct(uses.map(({ user }) => `${user.kind} ${fullName(user)}`))

function unreadable({ metadata, certificates }: Secret, uses: Use[], snapshot: Snapshot): Finding[] {
  if (Array.isArray(certificates)) return []
  const what = certificates === 'absent' ? 'is empty' : 'holds no certificate'
  return [
    {
      ...about('Secret', metadata, snapshot),
      reason: 'UnreadableCertificate',
      severity: uses.length > 0 ? 'warning' : 'info',
      confidence: 'high',
      text: `tls.crt of Secret ${fullName(metadata)} ${what}${uses.length > 0 ? `, and ${listed(usersOf(uses))} uses it` : ''}.`,
      evidence: [
        { object: refOf('Secret', metadata), path: 'data[tls.crt]', value: certificates },
        ...useEvidence(uses),
      ],
      next: `k8s_list_secrets namespace=${metadata.namespace}`,
    },
  ]
}

function expiring({ metadata, certificates }: Secret, uses: Use[], renewed: boolean, snapshot: Snapshot): Finding[] {
  const first = Array.isArray(certificates) ? firstToEnd(certificates) : undefined
  const expiry: Expiry = expiryOf(first?.notAfter, snapshot)
  // Its owner has until the end to renew it.
  if (!first || expiry.kind === 'fine' || (expiry.kind === 'soon' && renewed)) return []
  const shown = uses.length > 0 ? `, which ${listed(usersOf(uses))} shows,` : ''
  const base = {
    ...about('Secret', metadata, snapshot),
    confidence: 'high' as const,
    evidence: [
      { object: refOf('Secret', metadata), path: `data[tls.crt] ${first.subject} notAfter`, value: first.notAfter },
      ...useEvidence(uses),
    ],
    next: `k8s_list kind=Certificate namespace=${metadata.namespace}; without cert-manager the Secret has to be replaced by hand.`,
  }
  if (expiry.kind === 'soon')
    return [
      {
        ...base,
        reason: 'CertificateExpiresSoon',
        severity: expiry.severity,
        text: `The certificate in Secret ${fullName(metadata)}${shown} expires on ${expiry.at}.`,
      },
    ]
  return [
    {
      ...base,
      reason: 'CertificateExpired',
      severity: uses.length > 0 ? 'critical' : 'info',
      text: `The certificate in Secret ${fullName(metadata)}${shown} expired on ${expiry.at}.`,
      since: expiry.at,
    },
  ]
}

/** cert-manager keeps it and is not late. */
function isRenewed({ metadata }: Secret, wishes: Wish[], snapshot: Snapshot): boolean {
  const wish = wishes.find(({ spec }) => spec?.secretName === metadata.name)
  if (wish) return wish.status?.renewalTime === undefined || !hasLasted(wish.status.renewalTime, 60 * minute, snapshot)
  const isKept = metadata.annotations?.['cert-manager.io/certificate-name'] !== undefined
  return isKept && !snapshot.isKnown('Certificate', metadata.namespace)
}

/** Hosts that browsers will refuse, because the certificate is for others. */
function uncovered({ metadata, certificates }: Secret, uses: Use[]): Finding[] {
  const [own] = Array.isArray(certificates) ? certificates : []
  if (!own) return []
  return uses.flatMap(({ user, owner, hosts }) => {
    const missing = hosts.filter((host) => !covers(own, host))
    if (missing.length === 0) return []
    return [
      {
        object: user,
        owner,
        reason: 'HostNotCovered',
        severity: 'warning' as const,
        confidence: 'high' as const,
        text: `${user.kind} ${fullName(user)} shows for ${listed(missing)} the certificate of Secret ${fullName(metadata)}, which is for ${listed(own.names) || 'no name'}.`,
        evidence: [
          {
            object: user,
            path: user.kind === 'Gateway' ? 'spec.listeners.hostname' : 'spec.tls.hosts',
            value: listed(missing, 10),
          },
          {
            object: refOf('Secret', metadata),
            path: 'data[tls.crt] subjectAltName',
            value: listed(own.names, 10) || 'none',
          },
        ],
        next: `k8s_get kind=${user.kind} namespace=${user.namespace} name=${user.name}`,
      },
    ]
  })
}

/** A wildcard stands for one label; a wildcard host needs the very same wildcard. */
function covers({ names }: CertificateFacts, host: string): boolean {
  const wanted = host.toLowerCase()
  const wildcard = wanted.replace(/^[^.]+/, '*')
  return names.some((name) => [wanted, wildcard].includes(name.toLowerCase()))
}

// Challenges over DNS and limits of issuers take their time.
const issuing = 15 * minute

function unfulfilled({ metadata, spec, status }: Wish, snapshot: Snapshot): Finding[] {
  const ready = conditionOf(status?.conditions, 'Ready')
  const since = ready?.lastTransitionTime ?? metadata.creationTimestamp
  const isLate = status?.renewalTime !== undefined && hasLasted(status.renewalTime, 60 * minute, snapshot)
  const isWaiting = ready?.status !== 'True' && hasLasted(since, issuing, snapshot)
  if (!isLate && !isWaiting) return []
  const object = refOf('Certificate', metadata)
  const why = [ready?.status ?? 'not set', ready?.reason, ready?.message].filter(Boolean).join(' ')
  return [
    {
      ...about('Certificate', metadata, snapshot),
      object,
      reason: isWaiting ? 'CertificateNotReady' : 'CertificateNotRenewed',
      severity: 'warning',
      confidence: 'high',
      text: isWaiting
        ? `Certificate ${fullName(metadata)} ${spec?.secretName ? `for Secret ${spec.secretName} ` : ''}is not ready (${ready?.reason ?? 'no condition'}).`
        : `Certificate ${fullName(metadata)} should have been renewed on ${status?.renewalTime}.`,
      ...(isWaiting && since !== undefined && { since }),
      evidence: [
        { object, path: 'status.conditions[Ready]', value: why },
        ...(status?.renewalTime ? [{ object, path: 'status.renewalTime', value: status.renewalTime }] : []),
      ],
      next: `k8s_get kind=Certificate namespace=${metadata.namespace} name=${metadata.name}`,
    },
  ]
}

const useEvidence = (uses: Use[]): Evidence[] =>
  uses.slice(0, 3).map(({ user, secret }) => ({
    object: user,
    path: user.kind === 'Gateway' ? 'spec.listeners.tls.certificateRefs' : 'spec.tls.secretName',
    value: secret,
  }))
