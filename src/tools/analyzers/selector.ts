import type { LabelSelector } from './kinds/meta.ts'

const key = String.raw`[A-Za-z0-9][\w./-]{0,316}`
const value = String.raw`[\w.-]{0,63}`
const requirement = new RegExp(
  String.raw`^(?:(?<absent>!${key})|(?<exists>${key})|(?<name>${key})\s*(?<operator>==|=|!=)\s*(?<value>${value})|(?<set>${key})\s+(?<in>in|notin)\s*\((?<values>\s*${value}\s*(?:,\s*${value}\s*)*)\))$`,
)

/** `app=web,tier in (front, back),!legacy` as kubectl takes it. Throws a sentence that names the part it does not understand. */
export function parseSelector(text: string): LabelSelector {
  const matchExpressions = splitOutsideBrackets(text).map((part) => {
    const groups = requirement.exec(part)?.groups
    if (!groups)
      throw new Error(
        `${JSON.stringify(part)} is no label selector. Expected key=value, key!=value, key in (a,b), key or !key.`,
      )
    if (groups.absent) return { key: groups.absent.slice(1), operator: 'DoesNotExist', values: undefined }
    if (groups.exists) return { key: groups.exists, operator: 'Exists', values: undefined }
    if (groups.name)
      return { key: groups.name, operator: groups.operator === '!=' ? 'NotIn' : 'In', values: [groups.value ?? ''] }
    const values = (groups.values ?? '').split(',').map((one) => one.trim())
    return { key: groups.set ?? '', operator: groups.in === 'in' ? 'In' : 'NotIn', values }
  })
  return { matchLabels: undefined, matchExpressions }
}

function splitOutsideBrackets(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((part) => part.trim())
}
