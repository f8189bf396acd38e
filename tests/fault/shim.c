/* Makes chosen calls of a program fail, by LD_PRELOAD: the Nth call on a file below a folder, or each from then on.

   HWFAULT_UNDER  folders, separated by colons (absolute, without links)
   HWFAULT_CALLS  of open create read write sync rename link mkdir unlink truncate, separated by commas
   HWFAULT_AT     which of these calls fails, from 1; 0 fails none
   HWFAULT_ERRNO  the error's number
   HWFAULT_STICKY 1: all later ones fail as well, as on a full disk
   HWFAULT_COUNT  a file that gets the number of calls seen, and the last that failed
   HWFAULT_TRACE  a file that gets a line for each sync, rename and link below the folders that succeeded: the call and
                  its paths, separated by tabs */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long at = -1;
static int error = EIO, sticky = 0;
static const char *under, *calls, *count_file, *trace_file;
static long seen = 0;
static char failed[PATH_MAX + 32] = "";

static void setup(void) {
    if (at >= 0) return;
    const char *text;
    under = getenv("HWFAULT_UNDER");
    calls = getenv("HWFAULT_CALLS");
    count_file = getenv("HWFAULT_COUNT");
    trace_file = getenv("HWFAULT_TRACE");
    if ((text = getenv("HWFAULT_ERRNO"))) error = atoi(text);
    if ((text = getenv("HWFAULT_STICKY"))) sticky = atoi(text);
    text = getenv("HWFAULT_AT");
    at = text ? atol(text) : 0;
}

static int below(const char *path) {
    if (!under || !path) return 0;
    for (const char *one = under; *one;) {
        const char *end = strchrnul(one, ':');
        size_t length = end - one;
        if (length && !strncmp(path, one, length) && (path[length] == '/' || !path[length])) return 1;
        one = *end ? end + 1 : end;
    }
    return 0;
}

static int chosen(const char *call) {
    size_t length = strlen(call);
    for (const char *one = calls ? calls : ""; *one;) {
        const char *end = strchrnul(one, ',');
        if ((size_t)(end - one) == length && !strncmp(one, call, length)) return 1;
        one = *end ? end + 1 : end;
    }
    return 0;
}

/* True if this call has to fail; errno is set. */
static int fails(const char *call, const char *path) {
    setup();
    int before = errno;
    if (!chosen(call) || !below(path)) { errno = before; return 0; }
    long now = __sync_add_and_fetch(&seen, 1);
    if (at > 0 && (now == at || (sticky && now > at))) {
        if (now == at) snprintf(failed, sizeof failed, "%s %s", call, path);
        errno = error;
        return 1;
    }
    errno = before;
    return 0;
}

static const char *absolute(int folder, const char *path, char *out) {
    char base[PATH_MAX];
    if (!path || path[0] == '/') return path;
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return path;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return path;
        base[length] = 0;
    }
    if (!strncmp(path, "./", 2)) path += 2;
    snprintf(out, PATH_MAX, "%s/%s", base, path);
    return out;
}

static int fails_path(const char *call, int folder, const char *path) {
    char out[PATH_MAX];
    setup();
    return chosen(call) && fails(call, absolute(folder, path, out));
}

static int fails_fd(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    setup();
    if (!chosen(call)) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, path);
}

static int fails_open(int folder, const char *path, int flags) {
    if (fails_path("open", folder, path)) return 1;
    return (flags & O_CREAT) && fails_path("create", folder, path);
}

/* Records a call that succeeded. A short line is appended in one piece, whichever thread writes it. */
static int traced(int result, const char *call, const char *from, const char *to) {
    int before = errno;
    char line[2 * PATH_MAX + 16];
    setup();
    if (result == 0 && trace_file && below(to)) {
        int length = snprintf(line, sizeof line, "%s\t%s\t%s\n", call, from, to);
        int fd = (int)syscall(SYS_openat, AT_FDCWD, trace_file, O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (fd >= 0 && length > 0) syscall(SYS_write, fd, line, (size_t)length);
        if (fd >= 0) close(fd);
    }
    errno = before;
    return result;
}

static int traced_at(int result, const char *call, int a, const char *from, int b, const char *to) {
    char one[PATH_MAX], other[PATH_MAX];
    return traced(result, call, absolute(a, from, one), absolute(b, to, other));
}

static int traced_fd(int result, int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return result;
    path[length] = 0;
    return traced(result, "sync", "", path);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) { MODE REAL(open); return fails_open(AT_FDCWD, path, flags) ? -1 : real(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE REAL(open64); return fails_open(AT_FDCWD, path, flags) ? -1 : real(path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE REAL(openat); return fails_open(folder, path, flags) ? -1 : real(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE REAL(openat64); return fails_open(folder, path, flags) ? -1 : real(folder, path, flags, mode); }
ssize_t read(int fd, void *to, size_t n) { REAL(read); return fails_fd("read", fd) ? -1 : real(fd, to, n); }
ssize_t pread(int fd, void *to, size_t n, off_t at) { REAL(pread); return fails_fd("read", fd) ? -1 : real(fd, to, n, at); }
ssize_t pread64(int fd, void *to, size_t n, off64_t at) { REAL(pread64); return fails_fd("read", fd) ? -1 : real(fd, to, n, at); }
ssize_t write(int fd, const void *from, size_t n) { REAL(write); return fails_fd("write", fd) ? -1 : real(fd, from, n); }
ssize_t writev(int fd, const struct iovec *from, int n) { REAL(writev); return fails_fd("write", fd) ? -1 : real(fd, from, n); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { REAL(pwrite); return fails_fd("write", fd) ? -1 : real(fd, from, n, at); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) { REAL(pwrite64); return fails_fd("write", fd) ? -1 : real(fd, from, n, at); }
int fsync(int fd) { REAL(fsync); return fails_fd("sync", fd) ? -1 : traced_fd(real(fd), fd); }
int fdatasync(int fd) { REAL(fdatasync); return fails_fd("sync", fd) ? -1 : traced_fd(real(fd), fd); }
int ftruncate(int fd, off_t n) { REAL(ftruncate); return fails_fd("truncate", fd) ? -1 : real(fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(ftruncate64); return fails_fd("truncate", fd) ? -1 : real(fd, n); }
int rename(const char *from, const char *to) { REAL(rename); return fails_path("rename", AT_FDCWD, to) ? -1 : traced_at(real(from, to), "rename", AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int a, const char *from, int b, const char *to) { REAL(renameat); return fails_path("rename", b, to) ? -1 : traced_at(real(a, from, b, to), "rename", a, from, b, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { REAL(renameat2); return fails_path("rename", b, to) ? -1 : traced_at(real(a, from, b, to, flags), "rename", a, from, b, to); }
int link(const char *from, const char *to) { REAL(link); return fails_path("link", AT_FDCWD, to) ? -1 : traced_at(real(from, to), "link", AT_FDCWD, from, AT_FDCWD, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) { REAL(linkat); return fails_path("link", b, to) ? -1 : traced_at(real(a, from, b, to, flags), "link", a, from, b, to); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); return fails_path("mkdir", AT_FDCWD, path) ? -1 : real(path, mode); }
int unlink(const char *path) { REAL(unlink); return fails_path("unlink", AT_FDCWD, path) ? -1 : real(path); }

__attribute__((destructor)) static void report(void) {
    if (!count_file || !count_file[0]) return;
    FILE *file = fopen(count_file, "w");
    if (!file) return;
    fprintf(file, "%ld %s\n", seen, failed);
    fclose(file);
}
