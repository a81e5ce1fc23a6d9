import type { Analyzer } from '../src/tools/analyzers/analyzer.ts'
import { analyzers } from '../src/tools/analyzers/index.ts'
import { log } from '../src/tools/analyzers/log.ts'

/** docs/analyzers.md: how to look at a cluster by rules, and what each rule finds. */
export function analyzersPage(): string {
  const core = analyzers.filter((one) => one.core)
  const others = [
    ...analyzers.filter((one) => !one.core),
    { ...log, finds: 'lines that look like errors in the logs of containers that are not well' },
  ]
  return `<!-- Generated from src/tools/analyzers by \`npm run generate\`. -->
# Analyzers

Rules that look at a cluster without any model. Each kind is read once; everything that is found shows its evidence and names the next step.
The same rules answer \`!analyze\`, \`k8s_diagnose\` and, without a model, every question in a chat.

\`\`\`sh
npx kube-agent analyze                                    # the namespace of the kubeconfig
npx kube-agent analyze -A --filter core,Certificate       # the whole cluster, one analyzer more
npx kube-agent analyze -n shop --label-selector app=api   # what has the label, or whose owner has it
npx kube-agent analyze -A -o json --fail-on error         # for scripts
npx kube-agent analyze -n shop --explain --anonymize      # a model explains, and is told no name
\`\`\`

| | |
|---|---|
| severity | \`critical\`: users are affected now, or the cluster cannot be repaired. \`warning\`: degraded, or will break. \`info\`: hygiene, intent unclear |
| exit code | 0, whatever is found; 3 when \`--fail-on\` is met (\`error\` stands for critical; what could not be checked counts as bad); 2 for wrong use |
| \`-o json\` | K8sGPT's keys, and ours in small letters (\`severity\`, \`evidence\`, \`key\`, \`unchecked\`, …). \`Sensitive\` is always empty. \`status\` is \`Incomplete\`, never \`OK\`, when something could not be checked |
| \`--explain\` | asks once for each distinct finding and keeps the answer for 30 days under \`dataDir\`; model, language (\`--language ko\`) and wording of the question belong to its key |
| \`--anonymize\` | names of objects, namespaces, nodes, containers, images and hosts, addresses and values of labels leave the process as pseudonyms (\`pod-4f2a91\`), the same ones in every run. Words that every cluster has (\`api\`, \`default\`) are hidden only where the name of an object stands |
| \`--with-doc\` | what the cluster's own schema says about the field |
| \`--interactive\` | choose a finding and ask the model about it, at a terminal |
| language | findings are in English, like everything the cluster says; in a chat what stands around them is in the asker's language |

## Without a filter

\`--filter core\` stands for all of these. Those about the cluster as a whole are left out when a namespace is named.

${table(core)}

## By filter

\`--filter all\` runs everything. Kinds that the cluster does not serve are left out silently.

${table(others)}

## Rules of your own

In the configuration file. \`when\` and the parts of \`text\` in \`\${…}\` are [CEL](https://cel.dev): \`object\` is the object as the API server has it (of Secrets
without data), \`now\` the time of the run. A rule runs beside the core analyzers, in \`kube-agent analyze\` and in a chat, or by its name in \`--filter\`; one
that cannot be understood is refused at the start, and an object that it cannot judge is listed as not checked.

\`\`\`yaml
analyzers:
  - name: NoTeam
    kind: Deployment                       # any kind, also custom ones: certificates.cert-manager.io
    when: '!object.metadata.?labels.?team.hasValue()'
    text: 'Deployment \${object.metadata.namespace}/\${object.metadata.name} has no label team, so nobody is called.'
    severity: info                         # critical, warning (default) or info
  - name: OldImage
    kind: Pod
    when: object.spec.containers.exists(c, c.image.startsWith('registry.old/'))
    text: 'Pod \${object.metadata.name} still runs an image of registry.old.'
    next: 'k8s_get kind=Pod name=\${object.metadata.name}'
  - name: CertificateNotRenewed
    kind: certificates.cert-manager.io
    when: has(object.status) && has(object.status.renewalTime) && timestamp(object.status.renewalTime) < now
    text: 'Certificate \${object.metadata.name} was due for renewal at \${object.status.renewalTime}.'
\`\`\`

A field that may be missing is asked for with \`.?\` (\`object.metadata.?labels.?team\`) or \`has()\`; without it the object counts as not judged.
`
}

type Described = Pick<Analyzer, 'name' | 'finds' | 'reads'>

const table = (some: Described[]): string =>
  ['| analyzer | finds | reads |', '|---|---|---|', ...some.toSorted(byName).map(row)].join('\n')

const row = ({ name, finds, reads }: Described): string =>
  `| \`${name}\` | ${finds} | ${[...new Set(reads)].join(', ')} |`

const byName = (a: Described, b: Described): number => (a.name < b.name ? -1 : 1)
