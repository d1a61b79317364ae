import { words } from './words.ts';

/** What to do, where several causes ask for the same. */
export const FIX_SENDER = words(
  'The program on the device writes wrong bytes: use a maintained MQTT library, or look at the packet with `hawser doctor` or Wireshark.',
  '设备上的程序发出了错误的字节：请改用有人维护的 MQTT 库，或用 `hawser doctor`、Wireshark 查看这个报文。',
);
export const WRONG_PORT = words(
  'Check scheme and port of the client: mqtt:// 1883, mqtts:// 8883, ws:// 8083 and wss:// 8084 with the path /mqtt.',
  '请检查客户端的协议和端口：mqtt:// 为 1883，mqtts:// 为 8883，ws:// 为 8083，wss:// 为 8084（路径 /mqtt）。',
);
export const CERTIFICATE = words(
  'Give the client a certificate that the CA of this listener has issued and that is valid today.',
  '请给客户端配置由该监听器的 CA 签发且当前有效的证书。',
);
export const TRY_LATER = words(
  'The client may try again later, with growing pauses.',
  '客户端可以稍后重试，间隔逐渐加长。',
);
export const POLICY_TROUBLE = words(
  "The service or program that decides gave no answer: the broker's log has its warning `authorizer-failed` or `intercept-failed`.",
  '做出决定的服务或程序没有给出答复：请查看代理服务器日志中的警告 `authorizer-failed` 或 `intercept-failed`。',
);
export const PERMISSIONS = words(
  'Check the rules for this user name and topic; a refusal is not a fault of the connection.',
  '请检查该用户名对此主题的权限规则；拒绝并不是连接故障。',
);
export const LIMIT = words(
  'Raise the limit with `--set` or in the configuration file if the client is right, else make the client obey it.',
  '如果客户端的行为合理，请用 `--set` 或配置文件提高该限制；否则让客户端遵守它。',
);
export const BANNED_BY_OPERATOR = words(
  'An operator has banned this client: GET /api/v1/bans of the HTTP API says until when and why, DELETE /api/v1/bans/TARGET takes the ban back.',
  '管理员封禁了该客户端：HTTP API 的 GET /api/v1/bans 给出期限和原因，DELETE /api/v1/bans/TARGET 可解除封禁。',
);
