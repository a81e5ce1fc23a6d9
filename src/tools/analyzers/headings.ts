import type { Language } from '../../text/language.ts'
import { type Markdown, md } from '../../text/markdown.ts'

/** What stands around findings in a chat. Findings themselves, like everything that the cluster says, are in English. */

const en = {
  none: md`No findings.`,
  noneInWhatWasRead: md`No findings in what could be read.`,
  noneAbout: (workload: Markdown) => md`No fault of ${workload} was found.`,
  moreWorkloads: (count: number) => md`… and ${count} more workloads; \`kube-agent analyze\` lists them all.`,
  hidden: (count: number) =>
    count === 1 ? md`1 hint of low severity is not shown.` : md`${count} hints of low severity are not shown.`,
  unchecked: md`Could not check:`,
  moreLines: (count: number) => md`… and ${count} more.`,
  since: (time: Markdown) => md`Since ${time}.`,
  affects: (names: Markdown) => md`also affects ${names}`,
  next: md`next`,
  // These stand within a block of code, or before a model: plain text.
  events: (of: string) => `Events of ${of}:`,
  log: (of: string) => `Last log lines of ${of}:`,
  noLog: (of: string, why: string) => `The log of ${of} could not be read: ${why}`,
}

const ko: typeof en = {
  none: md`발견된 문제가 없습니다.`,
  noneInWhatWasRead: md`읽을 수 있었던 범위에서는 발견된 문제가 없습니다.`,
  noneAbout: (workload) => md`${workload} 에서 발견된 문제가 없습니다.`,
  moreWorkloads: (count) => md`… 외 워크로드 ${count}개. \`kube-agent analyze\` 로 모두 볼 수 있습니다.`,
  hidden: (count) => md`심각도가 낮은 참고 사항 ${count}건은 표시하지 않았습니다.`,
  unchecked: md`확인하지 못한 것:`,
  moreLines: (count) => md`… 외 ${count}건.`,
  since: (time) => md`${time} 부터.`,
  affects: (names) => md`함께 영향을 받는 것: ${names}`,
  next: md`다음 단계`,
  events: (of) => `${of} 의 이벤트:`,
  log: (of) => `${of} 의 마지막 로그:`,
  noLog: (of, why) => `${of} 의 로그를 읽지 못했습니다: ${why}`,
}

export const headings: Record<Language, typeof en> = { en, ko }
