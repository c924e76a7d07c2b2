// Ends this process, or fails a call, at the N-th call that changes a file below a folder.
//
//   FAULT_BELOW=FOLDER FAULT_LOG=FILE [FAULT_AT=N FAULT_ERRNO=NUMBER] LD_PRELOAD=faults.so PROGRAM
//
// Counted are calls that make, write, flush, rename, link and remove files and folders below FOLDER,
// over all threads, from 1 on; each is a line in FILE. Before the N-th the process dies of SIGKILL,
// or, with a FAULT_ERRNO, that call and every later write fail with it: a full disk stays full.
// The processes that it starts have nothing of this.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char below[PATH_MAX];
static long at, number;
static int log_fd = -1, owner;
static atomic_long calls;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("FAULT_BELOW"), *log = getenv("FAULT_LOG");
    if (!folder || !log) return;
    snprintf(below, sizeof below, "%s/", folder);
    at = getenv("FAULT_AT") ? atol(getenv("FAULT_AT")) : 0;
    number = getenv("FAULT_ERRNO") ? atol(getenv("FAULT_ERRNO")) : 0;
    log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    owner = getpid();
    unsetenv("LD_PRELOAD");
}

// Count a call on `path`, or on what `dir` is open on; return whether it is to fail, errno set.
static int fails(const char *name, int dir, const char *path) {
    char whole[2 * PATH_MAX], link[64];
    size_t used = 0;
    if (log_fd < 0 || getpid() != owner) return 0;
    if (!path || path[0] != '/') {
        if (dir == AT_FDCWD) {
            if (!getcwd(whole, PATH_MAX)) return 0;
            used = strlen(whole);
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
            ssize_t size = readlink(link, whole, PATH_MAX - 1);
            if (size < 0) return 0;
            used = size;
        }
    }
    snprintf(whole + used, sizeof whole - used, "%s%s", used && path ? "/" : "", path ? path : "");
    if (strncmp(whole, below, strlen(below))) return 0;
    long call = ++calls;
    char line[3 * PATH_MAX];
    int size = snprintf(line, sizeof line, "%ld %s %s\n", call, name, whole + strlen(below));
    syscall(SYS_write, log_fd, line, size);
    if (!at || call < at) return 0;
    if (!number) syscall(SYS_kill, owner, SIGKILL);
    if (call > at && strcmp(name, "write")) return 0;
    errno = number;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CHANGES(result, name, parameters, arguments, dir, path) \
    result name parameters { \
        if (fails(#name, dir, path)) return -1; \
        return REAL(name) arguments; \
    }

CHANGES(int, mkdir, (const char *p, mode_t m), (p, m), AT_FDCWD, p)
CHANGES(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m), d, p)
CHANGES(int, rename, (const char *p, const char *q), (p, q), AT_FDCWD, q)
CHANGES(int, renameat, (int d, const char *p, int e, const char *q), (d, p, e, q), e, q)
CHANGES(int, link, (const char *p, const char *q), (p, q), AT_FDCWD, q)
CHANGES(int, linkat, (int d, const char *p, int e, const char *q, int f), (d, p, e, q, f), e, q)
CHANGES(int, unlink, (const char *p), (p), AT_FDCWD, p)
CHANGES(int, unlinkat, (int d, const char *p, int f), (d, p, f), d, p)
CHANGES(int, rmdir, (const char *p), (p), AT_FDCWD, p)
CHANGES(int, fsync, (int d), (d), d, NULL)
CHANGES(int, ftruncate64, (int d, off64_t n), (d, n), d, NULL)
CHANGES(ssize_t, write, (int d, const void *b, size_t n), (d, b, n), d, NULL)
CHANGES(ssize_t, sendfile64, (int d, int e, off64_t *o, size_t n), (d, e, o, n), d, NULL)
CHANGES(ssize_t, copy_file_range, (int e, off64_t *p, int d, off64_t *o, size_t n, unsigned f), (e, p, d, o, n, f), d, NULL)

#define OPENS(name, parameters, arguments, dir) \
    int name parameters { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        if (flags & O_CREAT && fails("open", dir, path)) return -1; \
        return REAL(name) arguments; \
    }

OPENS(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode), dir)
OPENS(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode), dir)
