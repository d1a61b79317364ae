/*
 * A machine whose disk and clock a test has in hand, to be preloaded into a process (LD_PRELOAD). System calls that write files below a
 * directory are cut short or fail, also those the C library makes on its own behalf (LevelDB writes by stdio): a seccomp filter
 * raises SIGSYS for them, and its handler does the call, or what else is wanted. The wall clock is somewhere else. What to do stands in
 * a file that is mapped, so that a test may change it at any moment. Linux on x86-64.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "registers are those of x86-64"
#endif

/* As faulty-machine.ts has it. */
enum { WHOLE, SHORT, FULL_MIDWAY, WRITE_FAILS, SYNC_FAILS, SYNC_LOSES };
struct control {
  int32_t disk;
  int32_t spare;
  int64_t clock_ms;
  /* Calls that were cut short or failed. */
  int64_t injected;
};

#define MOST_FILES 4096
static struct { ino_t inode; off_t synced; } files[MOST_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct control none;
static struct control *control = (struct control *)&none;
static const char *below = "";
static int is_midway;

/* The function of the C library that one here stands in front of. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A system call that the filter lets through: it comes from this page. Number, then arguments. */
__attribute__((naked, noinline, aligned(4096))) static long call(long number, long a, long b, long c, long d) {
  __asm__("mov %rdi, %rax; mov %rsi, %rdi; mov %rdx, %rsi; mov %rcx, %rdx; mov %r8, %r10; syscall; ret");
}

static int is_ours(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0 || *below == 0) return 0;
  path[length] = 0;
  return strncmp(path, below, strlen(below)) == 0;
}

static void count(void) { __atomic_add_fetch(&control->injected, 1, __ATOMIC_SEQ_CST); }

/* How many of so many bytes are written; below 0: none, and why. */
static long allowed(long size) {
  switch (control->disk) {
    case SHORT:
      if (size > 1) count();
      return size > 1 ? size / 2 : size;
    case FULL_MIDWAY: {
      count();
      pthread_mutex_lock(&lock);
      int midway = is_midway = !is_midway && size > 1;
      pthread_mutex_unlock(&lock);
      return midway ? size / 2 : -ENOSPC;
    }
    case WRITE_FAILS:
      count();
      return -EIO;
    default:
      return size;
  }
}

/* A sync has returned well, or all that was not synced before is to be gone. */
static void remember(int fd, int forget) {
  struct stat stats;
  if (fstat(fd, &stats) != 0) return;
  pthread_mutex_lock(&lock);
  for (size_t n = 0, at = stats.st_ino % MOST_FILES; n < MOST_FILES; n++, at = (at + 1) % MOST_FILES) {
    if (files[at].inode != 0 && files[at].inode != stats.st_ino) continue;
    if (forget) forget = ftruncate(fd, files[at].synced);
    else files[at].synced = stats.st_size;
    files[at].inode = stats.st_ino;
    break;
  }
  pthread_mutex_unlock(&lock);
}

static long sync_file(long number, int fd) {
  if (control->disk == SYNC_FAILS || control->disk == SYNC_LOSES) {
    count();
    if (control->disk == SYNC_LOSES) remember(fd, 1);
    return -EIO;
  }
  long result = call(number, fd, 0, 0, 0);
  if (result == 0) remember(fd, 0);
  return result;
}

static long act(long number, long a, long b, long c, long d) {
  int saved = errno;
  int ours = is_ours(a);
  errno = saved;
  if (!ours) return call(number, a, b, c, d);
  if (number == SYS_fdatasync || number == SYS_fsync) return sync_file(number, a);
  if (number == SYS_writev || number == SYS_pwritev) {
    struct iovec *parts = (struct iovec *)b;
    if (control->disk == WHOLE || c < 1) return call(number, a, b, c, d);
    number = number == SYS_writev ? SYS_write : SYS_pwrite64;
    b = (long)parts[0].iov_base;
    c = parts[0].iov_len;
  }
  long size = allowed(c);
  return size < 0 ? size : call(number, a, b, size, d);
}

static void on_call(int signal, siginfo_t *info, void *context) {
  (void)signal;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  registers[REG_RAX] =
      act(info->si_syscall, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10]);
}

/* Node sets all signals back when it starts, and blocks all in places: not this one. */
int sigaction(int signal, const struct sigaction *next, struct sigaction *before) {
  return signal == SIGSYS ? 0 : REAL(sigaction)(signal, next, before);
}
int sigfillset(sigset_t *set) {
  int result = REAL(sigfillset)(set);
  sigdelset(set, SIGSYS);
  return result;
}

static void filter(void) {
  struct sigaction action = { .sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_NODEFER };
  REAL(sigaction)(SIGSYS, &action, NULL);
  uint32_t low = (uint32_t)(uintptr_t)call, high = (uint32_t)((uintptr_t)call >> 32);
  struct sock_filter rules[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev, 5, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_writev, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfffff000),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  struct sock_fprog program = { sizeof rules / sizeof *rules, rules };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(99);
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTY_CONTROL");
  below = getenv("FAULTY_BELOW") ? getenv("FAULTY_BELOW") : "";
  int fd = path ? open(path, O_RDWR) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) return;
  control = mapped;
  filter();
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int result = REAL(gettimeofday)(now, zone);
  int64_t micros = now->tv_sec * 1000000LL + now->tv_usec + control->clock_ms * 1000;
  now->tv_sec = micros / 1000000;
  now->tv_usec = micros % 1000000;
  return result;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = REAL(clock_gettime)(clock, now);
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return result;
  int64_t nanos = now->tv_nsec + (control->clock_ms % 1000) * 1000000;
  now->tv_sec += control->clock_ms / 1000 + nanos / 1000000000;
  now->tv_nsec = nanos % 1000000000;
  if (now->tv_nsec < 0) { now->tv_nsec += 1000000000; now->tv_sec--; }
  return result;
}
