/** What the agent says to people when it cannot go on or gives half an answer, in the bot's languages. */
export const says = {
  en: {
    noModel: 'No model is configured.',
    noTokens: (used: number) => `This request has used ${used} tokens, more than it may. Ask again, more narrowly.`,
    cut: 'This answer was cut: it reached the limit of the model server on the length of an answer. Ask more narrowly, or have that limit raised (max tokens).',
  },
  ko: {
    noModel: '설정된 모델이 없습니다.',
    noTokens: (used: number) => `이 요청은 허용된 양보다 많은 토큰(${used})을 썼습니다. 범위를 좁혀 다시 물어 주세요.`,
    cut: '답변이 모델 서버의 답변 길이 한도에 닿아 잘렸습니다. 범위를 좁혀 다시 묻거나 그 한도(max tokens)를 늘려 주세요.',
  },
}
