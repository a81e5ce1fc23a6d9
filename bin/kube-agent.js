#!/usr/bin/env -S node --max-semi-space-size=2 --max-old-space-size=1024
// Starts src/main.ts. Plain JavaScript, since it has to be understood by every Node: older ones are told what is missing.
// The bot waits more than it computes, so its heap begins small and is tidied early: 20 to 100 MiB less (docs/benchmarks.md).
import module from 'node:module'
import { fileURLToPath } from 'node:url'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`kube-agent needs Node 24, this is ${process.versions.node}. npm ci brings it: use npm start or npx.`)
  process.exit(2)
}

// Compiled code and stripped types are kept beside the installed packages: the next start is faster and needs no compiler in memory.
// Where nothing can be written, nothing is kept.
module.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/kube-agent', import.meta.url)))

await import('../src/main.ts')
