/* Stands between a process and the kernel for one folder's files and its network sockets; see shim.py.

   The wall clock goes wrong by the seconds (a double) that stand in the file which shim_clock was given; no other clock.

   Order: MODE AT FOLDER TRACE, separated by the unit separator (0x1f). Modes:
     c  count the calls, and write the count to TRACE when the process ends by itself (or says shim_end)
     k  kill the process before its AT-th call
     p  as k, counted from the payload: 1 is the first call after it
     h  as k, but half of what the call would have written is written first
     z  stop the process (SIGSTOP) when it is about to say a payload, AT times
     r  record what is written, synchronised, cut, removed and said, in TRACE
     e  from the AT-th call to fsync or fdatasync on, these fail with EIO
     n  from the AT-th call on, whatever writes to a file fails with ENOSPC */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char mode, folder[4096];
static size_t folder_length;
static long at;
static volatile long seen;
static volatile int has_begun;
static int trace = -1;
static pthread_mutex_t pen = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ({ static __typeof__(&name) found; if (!found) found = dlsym(RTLD_NEXT, #name); found; })

void shim_arm(const char *order)
{
    char copy[9000], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", order);
    mode = 0;
    seen = 0;
    has_begun = 0;
    word = strsep(&rest, "\x1f");
    char wanted = word ? word[0] : 0;
    word = strsep(&rest, "\x1f");
    at = word ? atol(word) : 0;
    word = strsep(&rest, "\x1f");
    snprintf(folder, sizeof folder, "%s", word ? word : "/nowhere");
    folder_length = strlen(folder);
    word = strsep(&rest, "\x1f");
    if (word && *word) {
        int fd = open(word, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        trace = fcntl(fd, F_DUPFD_CLOEXEC, 700);
        syscall(SYS_close, fd);
    }
    mode = wanted;
}

__attribute__((constructor)) static void begin(void)
{
    const char *order = getenv("SHIM");
    if (order && *order)
        shim_arm(order);
}

__attribute__((destructor)) void shim_end(void)
{
    if (mode == 'c' && trace >= 0)
        dprintf(trace, "%ld\n", seen);
}

static int is_ours(const char *path) { return !strncmp(path, folder, folder_length); }

/* Return 'f' for a file of the folder, 's' for a network socket, 0 for anything else. */
static char kind(int fd, char *path)
{
    struct stat status;
    if (!mode || fd < 0 || fd == trace || fstat(fd, &status))
        return 0;
    if (S_ISSOCK(status.st_mode)) {
        int family = 0;
        socklen_t length = sizeof family;
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
        return family == AF_INET || family == AF_INET6 ? 's' : 0;
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return is_ours(path) ? 'f' : 0;
}

static void note(char what, const char *path, uint64_t offset, const void *data, size_t length)
{
    if (mode != 'r' || trace < 0)
        return;
    uint32_t name = (uint32_t)strlen(path);
    uint64_t size = length;
    pthread_mutex_lock(&pen);
    struct iovec parts[] = {{&what, 1}, {&name, 4}, {&offset, 8}, {&size, 8}, {(void *)path, name}, {(void *)data, data ? length : 0}};
    ssize_t ignored = syscall(SYS_writev, trace, parts, 6);
    (void)ignored;
    pthread_mutex_unlock(&pen);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Count one call; true where half of it is to be done before the end. */
static int reached(void)
{
    if (mode == 'p' && !has_begun)
        return 0;
    long number = __sync_add_and_fetch(&seen, 1);
    if ((mode == 'k' || mode == 'p') && number == at)
        die();
    return mode == 'h' && number == at;
}

static void spoken(int fd, const void *data, size_t length)
{
    if (memmem(data, length, "X-Cadence-Ref:", 14)) {
        has_begun = 1;
        if (mode == 'z' && at-- > 0)
            kill(getpid(), SIGSTOP);
    }
    note('s', "", (uint64_t)fd, data, length);
}

static int is_full(int counted) { return mode == 'n' && counted && seen >= at; }

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
    char path[4096] = "";
    char what = kind(fd, path);
    if (what && reached()) {
        REAL(pwrite64)(fd, data, length / 2, offset);
        die();
    }
    if (is_full(what))
        return errno = ENOSPC, -1;
    ssize_t done = REAL(pwrite64)(fd, data, length, offset);
    if (what && done > 0)
        note('w', path, (uint64_t)offset, data, (size_t)done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length)
{
    char path[4096] = "";
    char what = kind(fd, path);
    if (what && reached()) {
        REAL(write)(fd, data, length / 2);
        die();
    }
    if (what == 'f' && is_full(what))
        return errno = ENOSPC, -1;
    off64_t offset = what == 'f' ? lseek64(fd, 0, SEEK_CUR) : 0;
    if (what == 's')
        spoken(fd, data, length);
    ssize_t done = REAL(write)(fd, data, length);
    if (what == 'f' && done > 0)
        note('w', path, (uint64_t)offset, data, (size_t)done);
    return done;
}

static int synchronised(int fd, int (*real)(int))
{
    char path[4096] = "";
    char what = kind(fd, path);
    if (what == 'f') {
        if (mode == 'e' && __sync_add_and_fetch(&seen, 1) >= at)
            return errno = EIO, -1;
        if (mode != 'e' && reached())
            die();
    }
    int failed = real(fd);
    if (what == 'f' && !failed)
        note('f', path, 0, NULL, 0);
    return failed;
}

int fsync(int fd) { return synchronised(fd, REAL(fsync)); }
int fdatasync(int fd) { return synchronised(fd, REAL(fdatasync)); }

int ftruncate64(int fd, off64_t length)
{
    char path[4096] = "";
    char what = kind(fd, path);
    if (what && reached())
        die();
    int failed = REAL(ftruncate64)(fd, length);
    if (what && !failed)
        note('t', path, (uint64_t)length, NULL, 0);
    return failed;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path)
{
    int counted = mode && is_ours(path);
    if (counted && reached())
        die();
    int failed = REAL(unlink)(path);
    if (counted && !failed)
        note('u', path, 0, NULL, 0);
    return failed;
}

int rename(const char *from, const char *to)
{
    int counted = mode && is_ours(from);
    if (counted && reached())
        die();
    int failed = REAL(rename)(from, to);
    if (counted && !failed)
        note('m', from, 0, to, strlen(to));
    return failed;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    char path[4096] = "";
    if (kind(fd, path) == 's' && reached())
        die();
    return REAL(connect)(fd, address, length);
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *address, socklen_t size)
{
    char path[4096] = "";
    char what = kind(fd, path);
    if (what == 's') {
        if (reached()) {
            REAL(sendto)(fd, data, length / 2, flags, address, size);
            die();
        }
        spoken(fd, data, length);
    }
    return REAL(sendto)(fd, data, length, flags, address, size);
}

ssize_t send(int fd, const void *data, size_t length, int flags) { return sendto(fd, data, length, flags, NULL, 0); }

ssize_t recvfrom(int fd, void *data, size_t length, int flags, struct sockaddr *address, socklen_t *size)
{
    char path[4096] = "";
    if (kind(fd, path) == 's' && reached())
        die();
    return REAL(recvfrom)(fd, data, length, flags, address, size);
}

ssize_t recv(int fd, void *data, size_t length, int flags) { return recvfrom(fd, data, length, flags, NULL, NULL); }

static const volatile double *wrong;

void shim_clock(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *found = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, fd, 0);
    wrong = found == MAP_FAILED ? NULL : found;
}

int clock_gettime(clockid_t which, struct timespec *moment)
{
    int failed = (int)syscall(SYS_clock_gettime, which, moment);
    if (!failed && wrong && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t total = (int64_t)moment->tv_sec * 1000000000 + moment->tv_nsec + (int64_t)(*wrong * 1e9);
        moment->tv_sec = total / 1000000000;
        moment->tv_nsec = total % 1000000000;
    }
    return failed;
}

time_t time(time_t *moment)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (moment)
        *moment = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict moment, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    moment->tv_sec = now.tv_sec;
    moment->tv_usec = now.tv_nsec / 1000;
    return 0;
}
