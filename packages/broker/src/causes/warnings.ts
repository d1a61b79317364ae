import { type Words, words } from './words.ts';

/** What the operator is told. */
export const WARNINGS = {
  'credentials-ignored': words('credentials are sent, and nothing checks them', '收到了凭据，但没有任何检查'),
  'authenticator-failed': words('the authenticator gave no answer', '认证程序没有给出答复'),
  'authorizer-failed': words('the authorizer gave no answer', '授权程序没有给出答复'),
  'intercept-failed': words('the interceptor gave no answer', '拦截程序没有给出答复'),
  'internal-error': words(
    'an error in the broker itself cost a client its connection',
    '服务器自身的错误断开了一个客户端',
  ),
  'data-full': words(
    'the data directory is over its bound, or the disk is nearly full',
    '数据目录超过上限，或磁盘将满',
  ),
  'data-has-room': words('the data directory has room again', '数据目录又有空间了'),
  'backup-made': words('a backup of the data was made', '已备份数据'),
  'backup-failed': words('a backup of the data could not be made', '数据备份失败'),
  'tls-certificate': words('a certificate needs attention', '证书需要处理'),
  'tls-files': words('files of certificates could not be used', '无法使用证书文件'),
  'will-lost': words('a Will was not published', '遗嘱未能发布'),
  'queue-unreadable': words('a queue could not be read from the disk', '无法从磁盘读取队列'),
  'store-fault': words('the data directory cannot be written', '数据目录无法写入'),
  'store-works-again': words('the data directory can be written again', '数据目录可以再次写入'),
  'recorder-unreadable': words('what was recorded before could not be read', '无法读取先前的记录'),
  'console-users': words('the users of the console could not be read', '无法读取控制台的用户'),
  'console-tls': words('certificates of the console could not be used', '无法使用控制台的证书'),
  'observer-failed': words('an observer of the broker threw an error', '代理服务器的观察者抛出了错误'),
  'subscriber-failed': words('a subscriber of this program threw an error', '本程序的某个订阅者抛出了错误'),
  'password-file': words('the password file could not be read', '无法读取密码文件'),
  'nothing-permitted': words('no rule permits anything to anybody', '没有任何规则允许任何人做任何事'),
  reloaded: words('the configuration was read again', '已重新读取配置'),
  'token-keys': words('keys for tokens could not be read', '无法读取令牌的密钥'),
} satisfies Record<string, Words>;

/** Stable names of what the operator is told. */
export type WarningCode = keyof typeof WARNINGS;
