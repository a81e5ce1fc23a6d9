import type { Cluster, RequestOptions, Table } from './cluster.ts'
import { ClusterError } from './errors.ts'
import type { List } from './objects.ts'

const pageSize = 500
const mostPages = 8

/** The rows of a whole list, page by page, up to 4,000; `metadata` says what was left. */
export async function allRows(cluster: Cluster, path: string, options: RequestOptions): Promise<Table> {
  const pages = await pagesOf(options, (page) => cluster.table(path, page))
  const [first] = pages
  const { metadata } = pages.at(-1) ?? {}
  return {
    columnDefinitions: first?.columnDefinitions ?? [],
    rows: pages.flatMap((page) => page.rows),
    ...(metadata && { metadata }),
  }
}

/** The objects of a whole list, page by page, up to 4,000; `isWhole` says whether these are all. */
export async function allItems<Item>(
  cluster: Cluster,
  path: string,
  options: RequestOptions,
): Promise<{ items: Item[]; isWhole: boolean }> {
  const pages = await pagesOf(options, (page) => cluster.get<List<Item>>(path, page))
  return { items: pages.flatMap((page) => page.items ?? []), isWhole: !pages.at(-1)?.metadata?.continue }
}

async function pagesOf<Page extends { metadata?: { continue?: string } }>(
  options: RequestOptions,
  read: (options: RequestOptions) => Promise<Page>,
): Promise<Page[]> {
  const pages = [await read({ ...options, query: { limit: pageSize, ...options.query } })]
  for (;;) {
    const next = pages.at(-1)?.metadata?.continue
    if (!next || pages.length >= mostPages) return pages
    try {
      pages.push(await read({ ...options, query: { limit: pageSize, ...options.query, continue: next } }))
    } catch (error) {
      // 410: the list has changed too much since its first page. What was read is still worth showing.
      if (error instanceof ClusterError && error.status === 410) return pages
      throw error
    }
  }
}
