import { nearest } from '../../text/nearest.ts'
import type { Analyzer, Probe } from '../../tools/analyzers/analyzer.ts'
import { coreAnalyzers } from '../../tools/analyzers/diagnose.ts'
import { analyzers, builtInNames } from '../../tools/analyzers/index.ts'
import { log } from '../../tools/analyzers/log.ts'

/** The command was used in a way that cannot work. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Choice {
  analyzers: Analyzer[]
  probes: Probe[]
}

/**
 * Which analyzers run. `filter`: names separated by commas; `all` stands for every one, `core` for those that run without a filter.
 * `everywhere`: the whole cluster is looked at. Throws `UsageError`.
 */
export function choose(filter: string | undefined, custom: Probe[], everywhere: boolean): Choice {
  const core: Choice = { analyzers: coreAnalyzers(everywhere), probes: custom.filter((probe) => probe.core) }
  if (filter === undefined) return core
  const names = filter
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  if (names.length === 0) throw new UsageError(`--filter names no analyzer. ${knownOf(custom)}`)
  const chosen = names.map((name) => chosenBy(name, core, custom))
  return {
    analyzers: [...new Set(chosen.flatMap((choice) => choice.analyzers))],
    probes: [...new Set(chosen.flatMap((choice) => choice.probes))],
  }
}

function chosenBy(name: string, core: Choice, custom: Probe[]): Choice {
  const probes = [...custom, log]
  if (name === 'all') return { analyzers, probes }
  if (name === 'core') return core
  const called = (one: { name: string }) => one.name.toLowerCase() === name.toLowerCase()
  const choice = { analyzers: analyzers.filter(called), probes: probes.filter(called) }
  if (choice.analyzers.length + choice.probes.length > 0) return choice
  const [meant] = nearest(name, [...builtInNames, ...custom.map((probe) => probe.name)], 1)
  throw new UsageError(`There is no analyzer ${name}${meant ? `; did you mean ${meant}?` : '.'} ${knownOf(custom)}`)
}

const knownOf = (custom: Probe[]): string =>
  `Analyzers: core, all, ${[...builtInNames, ...custom.map((probe) => probe.name)].join(', ')}.`
