/** Texts of `hawser explain` that do not come from the broker. */
export const EXPLAIN_WORDS = {
  en: {
    argument: 'Client Identifier; or an IP address, for attempts that never said one',
    api: 'where the HTTP API of the broker is; a user of it as http://NAME:PASSWORD@HOST:PORT',
    tokenFile: "file with the API's token; of a broker on this machine hawser-data/api-token is found without it",
    json: 'print JSON: clientId, connected, verdict, events, losses, advice',
    lang: 'language of the explanation',
    help: 'A password or token of the API may come from the environment too: HAWSER_API_TOKEN.\nExit codes: 0 explained, 1 nothing known, 2 the API does not answer, 64 wrong usage.',
    events: 'What happened (UTC)',
    negotiated: 'Negotiated',
    own: (value: string) => ` (its own: ${value})`,
    lost: 'Lost',
    advice: 'What to do',
    more: (count: number) => `… ${count} before`,
  },
  zh: {
    argument: 'Client ID；或 IP 地址，用于从未给出 Client ID 的连接',
    api: '代理服务器 HTTP API 的地址；控制台用户写作 http://NAME:PASSWORD@HOST:PORT',
    tokenFile: 'API 令牌文件；本机代理服务器的 hawser-data/api-token 会自动找到',
    json: '输出 JSON：clientId、connected、verdict、events、losses、advice',
    lang: '说明所用的语言',
    help: 'API 的密码或令牌也可取自环境变量 HAWSER_API_TOKEN。\n退出码：0 已说明，1 没有记录，2 API 没有应答，64 用法错误。',
    events: '发生过的事件（UTC）',
    negotiated: '协商结果',
    own: (value: string) => `（客户端自己的：${value}）`,
    lost: '丢失的消息',
    advice: '建议',
    more: (count: number) => `…… 之前还有 ${count} 条`,
  },
} as const;

export type ExplainLanguage = keyof typeof EXPLAIN_WORDS;
