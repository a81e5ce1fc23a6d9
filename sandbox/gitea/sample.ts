import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asAuthor, git } from './git.ts'
import type { User } from './shapes.ts'

const goodImage = 'registry.shop.example/checkout:2.7.0'
const mistypedImage = 'registry.shop.example/checkout:2.8.O'

const firstFiles: Record<string, string> = {
  'README.md': '# shop\n\nThe web shop: web, api, worker and checkout. Manifests are in `deploy/`.\n',
  'deploy/checkout.yaml': manifest(goodImage),
  '.gitea/workflows/ci.yml': [
    'name: CI',
    'on: [push]',
    'jobs:',
    '  images:',
    '    runs-on: ubuntu-latest',
    '    steps:',
    '      - name: check images',
    '        run: ./check-images deploy/*.yaml',
    '',
  ].join('\n'),
}

/** Images that the check of the sandbox's CI finds in the registry. */
export const knownImages = [goodImage, 'registry.shop.example/checkout:2.8.0']

const mistake = { image: mistypedImage, message: 'Release checkout 2.8.0' }
const correction = { image: 'registry.shop.example/checkout:2.8.0', message: 'Correct the image tag of checkout' }

/** Fills an empty bare repository: `main`, and a branch whose CI fails. */
export async function seedRepository(directory: string, author: User): Promise<void> {
  const tree = `${directory}.seed`
  await git(dirname(directory), ['init', '--quiet', '--bare', '--initial-branch=main', '--', directory])
  for (const [key, value] of [
    ['http.receivepack', 'true'],
    ['uploadpack.allowFilter', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
  ] as const)
    await git(directory, ['config', key, value])
  await git(dirname(directory), ['clone', '--quiet', '--', directory, tree])
  await git(tree, ['checkout', '--quiet', '-B', 'main'])
  for (const [file, text] of Object.entries(firstFiles)) await write(tree, file, text)
  await save(tree, author, 'The shop and its manifests')
  await git(tree, ['checkout', '--quiet', '-b', 'release/checkout-2.8'])
  await write(tree, 'deploy/checkout.yaml', manifest(mistypedImage))
  await save(tree, author, 'Try checkout 2.8')
  await git(tree, ['push', '--quiet', 'origin', 'main', 'release/checkout-2.8'])
  await rm(tree, { recursive: true })
}

/** Clones over HTTP, commits the next release of checkout (mistyped, and corrected the next time) and pushes it to main. */
export async function pushRelease(cloneUrl: string, token: string, tree: string, author: User): Promise<string> {
  const credentials = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`${author.login}:${token}`).toString('base64')}`,
  }
  try {
    await git(dirname(tree), ['clone', '--quiet', '--', cloneUrl, tree], credentials)
    const deployed = await git(tree, ['show', 'HEAD:deploy/checkout.yaml'])
    const release = deployed.includes(mistypedImage) ? correction : mistake
    await write(tree, 'deploy/checkout.yaml', manifest(release.image))
    await save(tree, author, release.message)
    await git(tree, ['push', '--quiet', 'origin', 'main'], credentials)
    return (await git(tree, ['rev-parse', 'HEAD'])).trim()
  } finally {
    await rm(tree, { recursive: true, force: true })
  }
}

async function write(tree: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, file)), { recursive: true })
  await writeFile(join(tree, file), text)
}

async function save(tree: string, { login, email }: User, message: string): Promise<void> {
  await git(tree, ['add', '--all'])
  await git(tree, ['commit', '--quiet', '--message', message], asAuthor({ name: login, email }))
}

function manifest(image: string): string {
  return [
    'apiVersion: apps/v1',
    'kind: Deployment',
    'metadata: {name: checkout, namespace: shop}',
    'spec:',
    '  replicas: 2',
    '  strategy: {type: Recreate}',
    '  selector: {matchLabels: {app: checkout}}',
    '  template:',
    '    metadata: {labels: {app: checkout}}',
    '    spec:',
    '      containers:',
    '        - name: checkout',
    `          image: ${image}`,
    '',
  ].join('\n')
}
