/** Why a certificate did not pass, by OpenSSL's names. */
const VERIFY_WORDS: Readonly<Record<string, Readonly<Record<'en' | 'zh', string>>>> = {
  CERT_HAS_EXPIRED: { en: 'it has expired', zh: '证书已过期' },
  CERT_NOT_YET_VALID: { en: 'it is not valid yet', zh: '证书尚未生效' },
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    en: 'it is self-signed and not itself among the trusted ones',
    zh: '证书为自签名，且不在受信任之列',
  },
  SELF_SIGNED_CERT_IN_CHAIN: {
    en: 'the certificate authority at the end of its chain is not among the trusted ones',
    zh: '证书链末端的 CA 不受信任',
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    en: 'its issuer is not among the trusted ones, nor was the certificate of its issuer sent',
    zh: '签发者不受信任，也没有发送签发者的证书',
  },
  UNABLE_TO_GET_ISSUER_CERT: {
    en: 'the certificate of an issuer in its chain is missing',
    zh: '证书链中缺少某个签发者的证书',
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { en: 'its issuer is not among the trusted ones', zh: '签发者不受信任' },
  CERT_REVOKED: { en: 'it was revoked', zh: '证书已被吊销' },
  CERT_REJECTED: {
    en: 'its certificate authority is marked as not to be trusted for this',
    zh: '其 CA 被标记为不可用于此用途',
  },
  CERT_UNTRUSTED: { en: 'its certificate authority is not trusted for this', zh: '其 CA 在此用途上不受信任' },
  CERT_SIGNATURE_FAILURE: { en: 'its signature is wrong', zh: '证书签名错误' },
  CERT_CHAIN_TOO_LONG: { en: 'its chain is too long', zh: '证书链过长' },
  INVALID_PURPOSE: {
    en: 'it was issued for another purpose (extended key usage)',
    zh: '证书的签发用途不符（extended key usage）',
  },
  INVALID_CA: {
    en: 'a certificate in its chain was used as a certificate authority and is none',
    zh: '证书链中的某个证书不是 CA 却被用作 CA',
  },
  PATH_LENGTH_EXCEEDED: {
    en: 'its chain is longer than one of its certificate authorities allows',
    zh: '证书链超过了其中某个 CA 允许的长度',
  },
  UNABLE_TO_GET_CRL: {
    en: 'its issuer is not among the trusted ones, or there is no revocation list (CRL) of it',
    zh: '签发者不受信任，或缺少其吊销列表（CRL）',
  },
  CRL_HAS_EXPIRED: { en: 'the revocation list (CRL) of its issuer has expired', zh: '签发者的吊销列表（CRL）已过期' },
  CRL_NOT_YET_VALID: {
    en: 'the revocation list (CRL) of its issuer is not valid yet',
    zh: '签发者的吊销列表（CRL）尚未生效',
  },
};

/** Words for a code of certificate verification: `it has expired`. */
export function verifyWords(code: string, language: 'en' | 'zh' = 'en'): string {
  return VERIFY_WORDS[code]?.[language] ?? code.toLowerCase().replaceAll('_', ' ');
}
