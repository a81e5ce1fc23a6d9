import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut, and held without being cut. */
export interface Wire extends AsyncDisposable {
  url: string
  /** Ends all connections, and refuses new ones until it is mended. */
  cut(): void
  /** The connections that stand carry nothing any more, and nobody is told; new ones work. */
  hold(): void
  mend(): void
}

export async function createWire(port: number): Promise<Wire> {
  const links = new Set<[Socket, Socket]>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    const link: [Socket, Socket] = [near, far]
    links.add(link)
    near.pipe(far)
    far.pipe(near)
    for (const socket of link) {
      socket.on('error', () => {})
      socket.on('close', () => {
        for (const one of link) one.destroy()
        links.delete(link)
      })
    }
  })
  const end = () => {
    for (const socket of [...links].flat()) socket.destroy()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true
      end()
    },
    hold() {
      for (const [near, far] of links) {
        near.unpipe(far)
        far.unpipe(near)
        near.pause()
        far.pause()
      }
    },
    mend() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      end()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
