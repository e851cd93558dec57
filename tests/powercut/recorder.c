/* Records what a process does to the files in one folder, for disk.py to replay.

   Preloaded (LD_PRELOAD) with these variables:
     RECORD_FOLDER  the folder, as realpath() gives it
     RECORD_TO      the folder in which each process has a file of records, named by its id
     RECORD_DELAY   microseconds that a sync takes, as on a disk that is not memory (0)

   A record is a struct record, then the path, then the content. It is appended in one call once the
   operation has returned and before the caller knows, so a record is never missing from the past of an
   acknowledgement. Operations that fail are not recorded.

   Standard error and output are left out. What is written through mmap() is not seen: the -shm file, which
   SQLite rebuilds after a power cut. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
    WRITE = 'w',    /* content at offset */
    TRUNCATE = 't', /* to the length in offset */
    SYNC = 's',     /* of a file */
    CREATE = 'c',   /* path is a new, empty file */
    REMOVE = 'u',   /* path is removed */
};

struct record {
    uint64_t begun, ended; /* CLOCK_MONOTONIC, in nanoseconds */
    uint64_t inode;
    uint64_t offset;
    uint32_t kind, path_length, content_length;
};

static const char *folder;
static size_t folder_length;
static int records = -1;
static int delay;

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

__attribute__((constructor)) static void begin_recording(void) {
    const char *to = getenv("RECORD_TO");
    char path[PATH_MAX];
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    folder = getenv("RECORD_FOLDER");
    if (!folder || !to)
        abort();
    folder_length = strlen(folder);
    snprintf(path, sizeof path, "%s/%d", to, getpid());
    records = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (records < 0)
        abort();
    delay = number("RECORD_DELAY");
}

/* The function that this library replaces. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* off_t has 64 bits here, so a function and its 64-bit variant are one. */
#define SAME_AS(name) __attribute__((alias(name)))
_Static_assert(sizeof(off_t) == sizeof(off64_t), "for 64-bit systems");

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void append(enum kind kind, uint64_t begun, uint64_t inode, uint64_t offset,
                   const char *path, size_t path_length, const void *content, size_t content_length) {
    struct record record = {begun, now(), inode, offset, kind, path_length, content_length};
    struct iovec parts[] = {
        {&record, sizeof record}, {(void *)path, path_length}, {(void *)content, content_length}};
    ssize_t length = sizeof record + path_length + content_length;
    int saved = errno;
    if (REAL(writev)(records, parts, 3) != length)
        abort();
    errno = saved;
}

/* Whether a canonical path is in the folder; *inside is the path from there, "" for the folder itself. */
static int is_inside(const char *path, const char **inside) {
    if (strncmp(path, folder, folder_length) || (path[folder_length] && path[folder_length] != '/'))
        return 0;
    *inside = path + folder_length + (path[folder_length] == '/');
    return 1;
}

/* The path of a descriptor, or 0. */
static int path_of(int fd, char *path) {
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = saved;
    if (length < 0)
        return 0;
    path[length] = 0;
    return 1;
}

/* Whether a descriptor is of something in the folder, and if so its inode. */
static int is_watched(int fd, uint64_t *inode) {
    char path[PATH_MAX];
    const char *inside;
    struct stat status;
    if (fd <= 2 || !path_of(fd, path) || !is_inside(path, &inside) || fstat(fd, &status))
        return 0;
    *inode = status.st_ino;
    return 1;
}

/* Whether a name is in the folder, and if so the path from there. Its own last part is not resolved. */
static int is_name(int at, const char *name, char *inside) {
    char whole[PATH_MAX], parent[PATH_MAX];
    const char *found;
    int saved = errno;
    if (at == AT_FDCWD || name[0] == '/')
        snprintf(whole, sizeof whole, "%s%s", name[0] == '/' ? "" : "./", name);
    else
        snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", at, name);
    char *last = strrchr(whole, '/');
    *last = 0;
    int known = realpath(*whole ? whole : "/", parent) != NULL && is_inside(parent, &found);
    errno = saved;
    if (known)
        snprintf(inside, PATH_MAX, "%s%s%s", found, *found ? "/" : "", last + 1);
    return known;
}

static uint64_t inode_of(int at, const char *name) {
    struct stat status;
    int saved = errno;
    int failed = fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW);
    errno = saved;
    return failed ? 0 : status.st_ino;
}

/* --- content */

ssize_t pwrite(int fd, const void *content, size_t length, off_t offset) {
    uint64_t begun = now(), inode;
    ssize_t written = REAL(pwrite)(fd, content, length, offset);
    if (written > 0 && is_watched(fd, &inode))
        append(WRITE, begun, inode, offset, NULL, 0, content, written);
    return written;
}

ssize_t pwrite64(int, const void *, size_t, off64_t) SAME_AS("pwrite");

ssize_t write(int fd, const void *content, size_t length) {
    uint64_t begun = now(), inode;
    ssize_t written = REAL(write)(fd, content, length);
    if (written > 0 && is_watched(fd, &inode))
        append(WRITE, begun, inode, lseek(fd, 0, SEEK_CUR) - written, NULL, 0, content, written);
    return written;
}

/* Those that take several buffers write the first one that has anything: a short write is allowed. */
static const struct iovec *first_of(const struct iovec *parts, int count) {
    while (--count && !parts->iov_len)
        parts++;
    return parts;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    uint64_t inode;
    if (count < 1 || !is_watched(fd, &inode))
        return REAL(writev)(fd, parts, count);
    parts = first_of(parts, count);
    return write(fd, parts->iov_base, parts->iov_len);
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
    uint64_t inode;
    if (count < 1 || !is_watched(fd, &inode))
        return REAL(pwritev64v2)(fd, parts, count, offset, flags);
    parts = first_of(parts, count);
    return pwrite(fd, parts->iov_base, parts->iov_len, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return pwritev64v2(fd, parts, count, offset, 0);
}

ssize_t pwritev64(int, const struct iovec *, int, off64_t) SAME_AS("pwritev");

/* What copies in the kernel is refused; the caller then reads and writes. */
static ssize_t refuse(void) {
    errno = EINVAL;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t length) {
    uint64_t inode;
    return is_watched(to, &inode) ? refuse() : REAL(sendfile64)(to, from, offset, length);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *offset, size_t length, unsigned flags) {
    uint64_t inode;
    return is_watched(to, &inode) ? refuse() : REAL(copy_file_range)(from, at, to, offset, length, flags);
}

int ftruncate(int fd, off_t length) {
    uint64_t begun = now(), inode;
    int failed = REAL(ftruncate)(fd, length);
    if (!failed && is_watched(fd, &inode))
        append(TRUNCATE, begun, inode, length, NULL, 0, NULL, 0);
    return failed;
}

int ftruncate64(int, off64_t) SAME_AS("ftruncate");

int truncate(const char *path, off_t length) {
    char inside[PATH_MAX];
    uint64_t begun = now();
    int failed = REAL(truncate)(path, length);
    if (!failed && is_name(AT_FDCWD, path, inside))
        append(TRUNCATE, begun, inode_of(AT_FDCWD, path), length, NULL, 0, NULL, 0);
    return failed;
}

int truncate64(const char *, off64_t) SAME_AS("truncate");

/* --- syncs */

static int sync_with(int (*real)(int), int fd) {
    uint64_t begun = now(), inode;
    if (!is_watched(fd, &inode))
        return real(fd);
    usleep(delay);
    int failed = real(fd);
    if (!failed)
        append(SYNC, begun, inode, 0, NULL, 0, NULL, 0);
    return failed;
}

int fsync(int fd) { return sync_with(REAL(fsync), fd); }
int fdatasync(int fd) { return sync_with(REAL(fdatasync), fd); }

/* --- names */

static void append_name(enum kind kind, uint64_t begun, int at, const char *name) {
    char inside[PATH_MAX];
    if (is_name(at, name, inside))
        append(kind, begun, kind == REMOVE ? 0 : inode_of(at, name), 0, inside, strlen(inside), NULL, 0);
}

static int open_at(int at, const char *name, int flags, mode_t mode) {
    uint64_t begun = now(), inode;
    int is_new = (flags & O_CREAT) && !inode_of(at, name);
    int fd = REAL(openat)(at, name, flags, mode);
    if (fd >= 0 && is_new)
        append_name(CREATE, begun, at, name);
    else if (fd >= 0 && (flags & O_TRUNC) && is_watched(fd, &inode))
        append(TRUNCATE, begun, inode, 0, NULL, 0, NULL, 0);
    return fd;
}

/* The mode is given only to one that may create. */
#define MODE(last) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list more; \
        va_start(more, last); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

int open(const char *name, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, name, flags, mode); }
int openat(int at, const char *name, int flags, ...) { MODE(flags) return open_at(at, name, flags, mode); }
int open64(const char *, int, ...) SAME_AS("open");
int openat64(int, const char *, int, ...) SAME_AS("openat");

int unlinkat(int at, const char *name, int flags) {
    uint64_t begun = now();
    int failed = REAL(unlinkat)(at, name, flags);
    if (!failed)
        append_name(REMOVE, begun, at, name);
    return failed;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
