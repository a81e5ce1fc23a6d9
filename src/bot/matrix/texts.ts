/** What the account says about a room as a whole. No asker is there whose language could be taken, so in both. */
export const remarks = {
  encrypted: [
    'I cannot read encrypted rooms yet, so I leave this one. Invite me to a room without end-to-end encryption.',
    '아직 암호화된 방을 읽을 수 없어 이 방을 나갑니다. 종단간 암호화를 쓰지 않는 방에 초대해 주세요.',
  ].join('\n\n'),
  gap: [
    'I was away, and so much was written here that I could read back only the newest part. Mention me again if I owe you an answer.',
    '자리를 비운 사이 메시지가 많아 최근 것만 읽었습니다. 답을 받지 못했다면 저를 다시 불러 주세요.',
  ].join('\n\n'),
}

export const revokedToken =
  'The homeserver does not accept the access token. Log the bot in again and set KUBE_AGENT_MATRIX_TOKEN (or the file it is read from).'
