/** What the account says about a channel as a whole. No asker is there whose language could be taken, so in both. */
export const gapRemark = [
  'I was away, and so much was written here that I could read back only a part. Mention me again if I owe you an answer.',
  '자리를 비운 사이 메시지가 많아 일부만 읽었습니다. 답을 받지 못했다면 저를 다시 불러 주세요.',
].join('\n\n')

export const revokedToken =
  'The Mattermost server does not accept the token. Is the bot account active and its token not revoked? Make a new one and set KUBE_AGENT_MATTERMOST_TOKEN (or the file it is read from).'
