/** What the agent says to people and the model when it cannot go on or does not run a call, in the bot's languages. */
export const says = {
  en: {
    noModel: 'No model is configured.',
    noTokens: (used: number) => `This request has used ${used} tokens, more than it may. Ask again, more narrowly.`,
    cut: 'This answer was cut: it reached the limit of the model server on the length of an answer. Ask more narrowly, or have that limit raised (max tokens).',
    notIntact: 'Not run: the stored call is not the one that was approved.',
    startedTooLate: 'Not run: it was approved, but could not be started in time.',
    notBacked: 'Not run: those who approved it are not enough any more.',
    targetChanged: 'Not run: the target changed after the approval was asked for. It has to be looked at again.',
  },
  ko: {
    noModel: '설정된 모델이 없습니다.',
    noTokens: (used: number) => `이 요청은 허용된 양보다 많은 토큰(${used})을 썼습니다. 범위를 좁혀 다시 물어 주세요.`,
    cut: '답변이 모델 서버의 답변 길이 한도에 닿아 잘렸습니다. 범위를 좁혀 다시 묻거나 그 한도(max tokens)를 늘려 주세요.',
    notIntact: '실행하지 않음: 저장된 호출이 승인된 것과 다릅니다.',
    startedTooLate: '실행하지 않음: 승인되었지만 제때 시작하지 못했습니다.',
    notBacked: '실행하지 않음: 승인한 사람만으로는 더 이상 충분하지 않습니다.',
    targetChanged: '실행하지 않음: 승인을 요청한 뒤 대상이 바뀌었습니다. 다시 살펴봐야 합니다.',
  },
}
