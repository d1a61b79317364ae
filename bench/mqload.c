/*
 * mqload: a closed-loop MQTT 3.1.1 load generator, one thread, epoll.
 *
 * Closed loop: publishers stop when `window` deliveries are outstanding, so that no broker is
 * asked to queue without bound, none may drop, and every broker is asked for the same thing:
 * the highest rate at which it loses nothing.
 *
 *   mqload --port 1883 --mode fan|pair|fanin|conn [options]
 *     fan    1 topic: P publishers -> S subscribers, each message goes to all S
 *     pair   P publishers, publisher i -> topic i -> S subscribers of that topic (default 1)
 *     fanin  P publishers, each to its own topic -> 1 subscriber of the wildcard
 *     conn   open N connections and hold them: prints connects per second
 *   --pubs P --subs S --qos 0|1|2 --size BYTES --window W --secs T --warm T --rate R (msg/s, 0: max)
 *   --tls 1 (needs -DTLS -lssl -lcrypto) --ws 1 (path /mqtt; frames are masked with 0)
 *   --keepalive S --hold SECS --nobatch --filters F (extra wildcard filters per subscriber)
 *   --durable  subscribers connect with Clean Session 0, so that the broker must store what it acknowledges
 *   --offline  with --durable: subscribers leave after SUBACK; deliveries counted are the publishers' acknowledgements
 *   --user NAME --password TEXT
 *   --bpid PID  broker process whose CPU time and memory are read from /proc
 *
 * Prints one JSON line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/ssl.h>
static SSL_CTX *ctx;
#endif

typedef struct {
  int fd, id, is_pub, state; /* 0 connecting 1 wait connack 2 wait suback 3 ready */
  uint8_t *in; size_t inlen, incap;
  uint8_t *out; size_t outlen, outoff, outcap;
  uint32_t inflight; uint16_t pid; int want_out;
  uint64_t sent;
  uint64_t *sent_at; /* with QoS 1 and 2: when, by Packet Identifier */
  void *ssl; int up; uint8_t *wire; size_t wlen, woff, wcap; uint64_t frame; uint8_t fh[10]; int fhl;
} C;

static const char *host = "127.0.0.1", *mode = "fan", *user, *password;
static int port = 1883, pubs = 1, subs = 10, qos = 0, size = 64, secs = 5, warm = 1, keepalive = 60, hold = 0, nobatch = 0, filters = 0, bpid = 0, shared = 0, durable = 0, offline = 0, tls = 0, ws = 0;
static long window = 20000; static double rate = 0;
static C *cs; static int nc, ep, ready, npub;
static uint64_t sent, delivered, acked, dup_or_late; static int fan = 1;
static uint64_t *lat; static size_t nlat, caplat = 1 << 21;
static uint64_t *alat; static size_t nalat; /* from a PUBLISH to its PUBACK or PUBCOMP, as the publisher sees it */
static int measuring;

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec; }
static void die(const char *m) { fprintf(stderr, "mqload: %s (%s)\n", m, strerror(errno)); printf("{\"error\":\"%s\"}\n", m); exit(1); }

static void need(uint8_t **b, size_t *cap, size_t want) { if (*cap < want) { size_t c = *cap ? *cap : 4096; while (c < want) c *= 2; *b = realloc(*b, c); *cap = c; } }
static void put(C *c, const void *p, size_t n) { need(&c->out, &c->outcap, c->outlen + n); memcpy(c->out + c->outlen, p, n); c->outlen += n; }
static void arm(C *c, int out) { if (c->want_out == out) return; c->want_out = out; struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c }; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); }
static int wants_read;
static ssize_t tx(C *c, const uint8_t *b, size_t n) {
#ifdef TLS
  if (c->ssl) { int r = SSL_write(c->ssl, b, n); if (r > 0) return r; int e = SSL_get_error(c->ssl, r); wants_read = e == SSL_ERROR_WANT_READ; errno = wants_read || e == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE; return -1; }
#endif
  return send(c->fd, b, n, MSG_NOSIGNAL);
}
static ssize_t rx(C *c, uint8_t *b, size_t n) {
#ifdef TLS
  if (c->ssl) { int r = SSL_read(c->ssl, b, n); if (r > 0) return r; int e = SSL_get_error(c->ssl, r); if (e == SSL_ERROR_ZERO_RETURN) return 0; errno = e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE; return -1; }
#endif
  return recv(c->fd, b, n, 0);
}
/* Takes the WebSocket frames off, in place; what is left is the stream of MQTT. */
static ssize_t unframe(C *c, uint8_t *b, ssize_t n) {
  ssize_t i = 0, o = 0;
  if (!c->up) { uint8_t *e = memmem(b, n, "\r\n\r\n", 4); if (!e) return 0; if (!memmem(b, n, " 101 ", 5)) die("no upgrade"); c->up = 1; i = e + 4 - b; }
  while (i < n) {
    if (!c->frame) {
      c->fh[c->fhl++] = b[i++]; if (c->fhl < 2) continue;
      int l = c->fh[1] & 127, need = l == 126 ? 4 : l == 127 ? 10 : 2; if (c->fhl < need) continue;
      c->frame = l < 126 ? l : 0; if (l >= 126) for (int k = 2; k < need; k++) c->frame = c->frame << 8 | c->fh[k];
      c->fhl = 0; continue;
    }
    ssize_t k = n - i; if ((uint64_t)k > c->frame) k = c->frame; memmove(b + o, b + i, k); i += k; o += k; c->frame -= k;
  }
  return o;
}
static void flush(C *c) {
  for (;;) {
    uint8_t *b = c->out; size_t *off = &c->outoff, *len = &c->outlen;
    if (ws) {
      if (c->woff == c->wlen) {
        c->woff = c->wlen = 0;
        if (!c->up && c->state > 0) { static const char u[] = "GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"; if (c->state == 9) { arm(c, 0); return; } need(&c->wire, &c->wcap, sizeof u); memcpy(c->wire, u, sizeof u - 1); c->wlen = sizeof u - 1; c->state = 9; }
        else if (c->outlen) {
          size_t n = c->outlen, h = n < 126 ? 2 : n < 65536 ? 4 : 10; need(&c->wire, &c->wcap, n + 14); uint8_t *w = c->wire; w[0] = 0x82;
          if (h == 2) w[1] = 0x80 | n; else if (h == 4) { w[1] = 0xfe; w[2] = n >> 8; w[3] = n; } else { w[1] = 0xff; for (int k = 0; k < 8; k++) w[2 + k] = n >> (56 - 8 * k); }
          memset(w + h, 0, 4); memcpy(w + h + 4, c->out, n); c->wlen = h + 4 + n; c->outlen = c->outoff = 0;
        }
      }
      b = c->wire; off = &c->woff; len = &c->wlen;
    }
    if (*off >= *len) break;
    ssize_t n = tx(c, b + *off, *len - *off);
    if (n < 0) { if (errno == EAGAIN) { arm(c, !wants_read); wants_read = 0; return; } die("send"); }
    *off += n;
  }
  if (!ws) c->outoff = c->outlen = 0;
  arm(c, 0);
}
static size_t hdr(uint8_t *b, uint8_t t, size_t len) { size_t i = 0; b[i++] = t; do { uint8_t d = len & 127; len >>= 7; b[i++] = d | (len ? 128 : 0); } while (len); return i; }
static void connect_pkt(C *c) {
  char id[32]; int n = snprintf(id, sizeof id, "ml%d-%c%d", getpid() % 100000, c->is_pub ? 'p' : 's', c->id);
  uint8_t b[512], h[8]; size_t l = 0;
  memcpy(b, "\0\4MQTT\4\2", 8); l = 8; b[l++] = keepalive >> 8; b[l++] = keepalive; b[l++] = 0; b[l++] = n; memcpy(b + l, id, n); l += n;
  uint8_t *flags = b + 7;
  if (durable && !c->is_pub) *flags = 0;
  const char *words[] = { user, password };
  for (int i = 0; i < 2; i++) if (words[i]) { size_t w = strlen(words[i]); *flags |= i ? 0x40 : 0x80; b[l++] = w >> 8; b[l++] = w; memcpy(b + l, words[i], w); l += w; }
  size_t hl = hdr(h, 0x10, l); put(c, h, hl); put(c, b, l);
}
static int topic_of(C *c, char *t) {
  if (!strcmp(mode, "fan")) return sprintf(t, "load/fan/all");
  if (!strcmp(mode, "fanin")) return sprintf(t, "load/in/%d/v", c->id);
  return sprintf(t, "load/pair/%d/v", c->id % pubs);
}
static void subscribe_pkt(C *c) {
  uint8_t b[4096], h[8]; size_t l = 0; char t[64]; int n;
  b[l++] = 0; b[l++] = 1;
  if (!strcmp(mode, "fanin")) n = sprintf(t, shared ? "$share/g/load/in/+/v" : "load/in/+/v"); else n = topic_of(c, t);
  b[l++] = 0; b[l++] = n; memcpy(b + l, t, n); l += n; b[l++] = qos;
  for (int i = 0; i < filters && l < sizeof b - 80; i++) { n = sprintf(t, "noise/%d/%d/+/x/#", c->id, i); b[l++] = 0; b[l++] = n; memcpy(b + l, t, n); l += n; b[l++] = qos; }
  size_t hl = hdr(h, 0x82, l); put(c, h, hl); put(c, b, l);
}
static uint8_t *body;
static void publish(C *c) {
  uint8_t h[8], v[80]; char t[64]; int n = topic_of(c, t); size_t l = 0;
  v[l++] = n >> 8; v[l++] = n; memcpy(v + l, t, n); l += n;
  if (qos) { if (!++c->pid) c->pid = 1; v[l++] = c->pid >> 8; v[l++] = c->pid; c->inflight++; }
  size_t hl = hdr(h, 0x30 | qos << 1, l + size);
  uint64_t ts = now_ns(); memcpy(body, &ts, 8);
  if (qos) { if (!c->sent_at) c->sent_at = calloc(65536, 8); c->sent_at[c->pid] = ts; }
  put(c, h, hl); put(c, v, l); put(c, body, size); c->sent++; sent++;
}
static void ack(C *c, uint8_t type, const uint8_t *pid) { uint8_t a[4] = { type, 2, pid[0], pid[1] }; put(c, a, 4); }
static void on_ack(C *c, const uint8_t *p) {
  c->inflight--; acked++; if (offline) delivered++;
  if (measuring && nalat < caplat && (acked & 3) == 0) alat[nalat++] = now_ns() - c->sent_at[p[0] << 8 | p[1]];
}
static void on_packet(C *c, uint8_t t, const uint8_t *p, size_t len) {
  switch (t >> 4) {
  case 2: if (len < 2 || p[1]) die("CONNACK refused"); if (c->is_pub || !strcmp(mode, "conn")) { c->state = 3; ready++; } else { c->state = 2; subscribe_pkt(c); } break;
  case 9: c->state = 3; ready++; break;
  case 3: {
    size_t tl = p[0] << 8 | p[1], o = 2 + tl; int q = t >> 1 & 3;
    if (q) { if (q == 1) ack(c, 0x40, p + o); else ack(c, 0x50, p + o); o += 2; }
    delivered++;
    if (measuring && len - o >= 8 && nlat < caplat && (delivered & 15) == 0) { uint64_t ts; memcpy(&ts, p + o, 8); lat[nlat++] = now_ns() - ts; }
    break; }
  case 4: on_ack(c, p); break;
  case 5: ack(c, 0x62, p); break;
  case 6: ack(c, 0x70, p); break;
  case 7: on_ack(c, p); break;
  }
}
#define ssl_early tls
static uint8_t rb[1 << 18];
static void on_read(C *c) {
  for (int rounds = 0; rounds < 4; rounds++) {
    ssize_t n = rx(c, rb, sizeof rb), got = n;
    if (n == 0) die("closed by broker");
    if (n < 0) { if (errno == EAGAIN) break; die("recv"); }
    if (ws) n = unframe(c, rb, n);
    uint8_t *d = rb; size_t l = n;
    if (c->inlen) { need(&c->in, &c->incap, c->inlen + n); memcpy(c->in + c->inlen, rb, n); c->inlen += n; d = c->in; l = c->inlen; }
    size_t o = 0;
    while (l - o >= 2) {
      size_t i = o + 1, m = 1, v = 0; int ok = 0;
      while (i < l && i < o + 5) { uint8_t x = d[i++]; v += (x & 127) * m; m *= 128; if (!(x & 128)) { ok = 1; break; } }
      if (!ok || l - i < v) break;
      on_packet(c, d[o], d + i, v); o = i + v;
    }
    size_t rest = l - o;
    if (rest) { need(&c->in, &c->incap, rest); memmove(c->in, d + o, rest); }
    c->inlen = rest;
    if ((size_t)got < sizeof rb && !tls) break;
  }
  if ((c->outlen > c->outoff || c->wlen > c->woff || (ssl_early && c->state == 1)) && !c->want_out) flush(c);
}
static int cmp(const void *a, const void *b) { uint64_t x = *(uint64_t *)a, y = *(uint64_t *)b; return x < y ? -1 : x > y; }
/* CPU time of a process in seconds, of all its threads. /proc/PID/stat counts in hundredths, too coarse for a few seconds. */
static double cpu_of(int pid) {
  clockid_t id; struct timespec t;
  if (!pid || clock_getcpuclockid(pid, &id) || clock_gettime(id, &t)) return 0;
  return t.tv_sec + t.tv_nsec / 1e9;
}
static long rss_of(int pid) {
  char p[64], l[256];
  if (!pid) return 0;
  snprintf(p, 64, "/proc/%d/status", pid); FILE *f = fopen(p, "r"); if (!f) return 0; long r = 0; while (fgets(l, 256, f)) if (sscanf(l, "VmRSS: %ld", &r) == 1) break; fclose(f); return r;
}
/* Bytes a process has caused to be written to storage. */
static double disk_of(int pid) {
  char p[64], l[256]; double d = 0;
  if (!pid) return 0;
  snprintf(p, 64, "/proc/%d/io", pid); FILE *f = fopen(p, "r"); if (!f) return 0; while (fgets(l, 256, f)) if (sscanf(l, "write_bytes: %lf", &d) == 1) break; fclose(f); return d;
}
static void open_one(C *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); if (c->fd < 0) die("socket");
  int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) }; inet_pton(AF_INET, host, &a.sin_addr);
  if (!strcmp(mode, "conn")) { struct sockaddr_in s = { .sin_family = AF_INET }; s.sin_addr.s_addr = htonl(0x7f000001 + (c->id / 20000 + 1 + getpid() % 100 * 100) * 256); int np = 1; setsockopt(c->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &np, sizeof np); bind(c->fd, (void *)&s, sizeof s); }
  struct linger lg = { 1, 0 }; setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg); /* no TIME_WAIT left behind */
  if (connect(c->fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) die("connect");
  struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c }; c->want_out = 1; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
#ifdef TLS
  if (tls) { c->ssl = SSL_new(ctx); SSL_set_fd(c->ssl, c->fd); SSL_set_connect_state(c->ssl); }
#endif
  connect_pkt(c); c->state = 1;
}
static void leave(C *c) {
  uint8_t bye[2] = { 0xE0, 0 }; put(c, bye, 2); flush(c);
  struct linger lg = { 0, 0 }; setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
  close(c->fd); c->fd = -1;
}
static void poll_once(int ms) {
  struct epoll_event ev[512]; int n = epoll_wait(ep, ev, 512, ms);
  for (int i = 0; i < n; i++) { C *c = ev[i].data.ptr; if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_read(c); if (ev[i].events & EPOLLOUT) flush(c); }
}
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";
#define I(n, x) if (!strcmp(a, "--" n)) { x = atof(v); i++; continue; }
    I("port", port) I("pubs", pubs) I("subs", subs) I("qos", qos) I("size", size) I("secs", secs) I("warm", warm) I("keepalive", keepalive) I("hold", hold) I("window", window) I("rate", rate) I("filters", filters) I("bpid", bpid) I("tls", tls) I("ws", ws)
    if (!strcmp(a, "--mode")) { mode = v; i++; continue; } if (!strcmp(a, "--host")) { host = v; i++; continue; } if (!strcmp(a, "--nobatch")) { nobatch = 1; continue; } if (!strcmp(a, "--shared")) { shared = 1; continue; }
    if (!strcmp(a, "--user") && strlen(v) < 128) { user = v; i++; continue; } if (!strcmp(a, "--password") && strlen(v) < 128) { password = v; i++; continue; }
    if (!strcmp(a, "--durable")) { durable = 1; continue; } if (!strcmp(a, "--offline")) { offline = 1; continue; }
    errno = 0; die("unknown option");
  }
  struct rlimit rl = { 1 << 20, 1 << 20 }; setrlimit(RLIMIT_NOFILE, &rl);
  errno = 0; if (offline && !(durable && qos)) die("--offline needs --durable and --qos 1 or 2");
#ifdef TLS
  if (tls) { ctx = SSL_CTX_new(TLS_client_method()); SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER); }
#else
  if (tls) die("built without TLS");
#endif
  ep = epoll_create1(0); body = calloc(1, size + 16); memset(body, 'x', size); if (size < 8) size = 8; lat = malloc(caplat * 8); alat = malloc(caplat * 8);
  int conn = !strcmp(mode, "conn");
  if (conn) { nc = npub = pubs; subs = 0; } else if (!strcmp(mode, "fan")) { npub = pubs; nc = pubs + subs; fan = subs; } else if (!strcmp(mode, "fanin")) { npub = pubs; if (!shared) subs = 1; nc = pubs + subs; fan = 1; } else { npub = pubs; nc = pubs + pubs * subs; fan = subs; }
  cs = calloc(nc, sizeof(C)); uint64_t t0 = now_ns(); long rss0 = rss_of(bpid); double cpu0 = cpu_of(bpid);
  for (int i = 0; i < nc; i++) {
    C *c = &cs[i]; c->is_pub = i < npub; c->id = c->is_pub ? i : i - npub; open_one(c);
    while (i + 1 - ready > (conn ? 200 : 50)) { poll_once(100); if (now_ns() - t0 > 120ull * 1000000000ull) die("connect timeout"); }
  }
  while (ready < nc) { poll_once(100); if (now_ns() - t0 > 120ull * 1000000000ull) die("connect timeout"); }
  double tc = (now_ns() - t0) / 1e9;
  if (conn) {
    double cpu1 = cpu_of(bpid); sleep(1); long r1 = rss_of(bpid);
    printf("{\"mode\":\"conn\",\"n\":%d,\"secs\":%.3f,\"per_s\":%.0f,\"broker_cpu_s\":%.4f,\"rss_before_kb\":%ld,\"rss_after_kb\":%ld,\"kb_per_conn\":%.2f}\n", nc, tc, nc / tc, cpu1 - cpu0, rss0, r1, (double)(r1 - rss0) / nc); fflush(stdout);
    for (uint64_t e = now_ns() + hold * 1000000000ull; now_ns() < e;) poll_once(100);
    return 0;
  }
  if (offline) { for (int i = npub; i < nc; i++) leave(&cs[i]); fan = 1; usleep(100000); }
  uint64_t start = now_ns(), mstart = start + warm * 1000000000ull, end = mstart + secs * 1000000000ull, d0 = 0, s0 = 0, last = start; double bc0 = 0, w0 = 0; struct rusage ru0 = {0};
  int next = 0; uint64_t maxrss = 0; uint64_t rr_start = start;
  for (;;) {
    uint64_t t = now_ns(); if (t >= end) break;
    if (!measuring && t >= mstart) { measuring = 1; d0 = delivered; s0 = sent; mstart = t; bc0 = cpu_of(bpid); w0 = disk_of(bpid); getrusage(RUSAGE_SELF, &ru0); }
    if (delivered != 0 && 0) last = t;
    long room = window - (long)(sent * fan - delivered); long can = room > 0 ? room / fan : 0;
    if (rate > 0) { long due = (long)((t - rr_start) / 1e9 * rate) - (long)sent; if (due < can) can = due; }
    if (can > 0) {
      long per = can / npub; if (per < 1) per = 1; if (per > 512) per = 512; if (nobatch) per = 1;
      for (int k = 0; k < npub && can > 0; k++) { C *c = &cs[next]; next = (next + 1) % npub; if (c->want_out) continue;
        long m = per < can ? per : can; for (long j = 0; j < m; j++) { if (qos && c->inflight >= 20) break; publish(c); can--; } if (c->outlen) flush(c); }
    }
    poll_once(can > 0 ? 0 : 1);
  }
  (void)last; double el = (now_ns() - mstart) / 1e9; uint64_t d = delivered - d0, s = sent - s0; double bc = cpu_of(bpid) - bc0, wb = disk_of(bpid) - w0; struct rusage ru; getrusage(RUSAGE_SELF, &ru);
  double lc = (ru.ru_utime.tv_sec - ru0.ru_utime.tv_sec) + (ru.ru_utime.tv_usec - ru0.ru_utime.tv_usec) / 1e6 + (ru.ru_stime.tv_sec - ru0.ru_stime.tv_sec) + (ru.ru_stime.tv_usec - ru0.ru_stime.tv_usec) / 1e6;
  uint64_t drain = now_ns() + 2000000000ull; while (delivered < sent * fan && now_ns() < drain) poll_once(50);
  qsort(lat, nlat, 8, cmp); qsort(alat, nalat, 8, cmp); (void)maxrss; (void)dup_or_late;
  printf("{\"mode\":\"%s\",\"pubs\":%d,\"subs\":%d,\"qos\":%d,\"size\":%d,\"in_per_s\":%.0f,\"out_per_s\":%.0f,\"broker_cpu\":%.4f,\"load_cpu\":%.2f,\"rss_kb\":%ld,\"lost\":%ld",
    mode, npub, subs, qos, size, s / el, d / el, bc / el, lc / el, rss_of(bpid), (long)(sent * fan - delivered));
  /* Without a subscriber there is no delivery to have taken a time. */
  if (nlat) printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f", lat[nlat / 2] / 1e6, lat[nlat * 99 / 100] / 1e6, lat[nlat * 999 / 1000] / 1e6);
  if (nalat) printf(",\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f", alat[nalat / 2] / 1e6, alat[nalat * 99 / 100] / 1e6);
  if (bpid && s) printf(",\"disk_per_message\":%.1f", wb / s);
  printf("}\n");
  return 0;
}
