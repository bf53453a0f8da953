/*
 * A load generator that costs little beside the server it loads: one thread, epoll, nothing allocated while it runs.
 *
 * It knows nothing of WebSocket. Each message is the bytes of the file `send`, each reply must be the bytes of `reply`,
 * and every byte of every reply is compared. Both streams are periodic, so no frame is parsed.
 *
 *   load mode=echo port=N pid=N connections=N inflight=N warmup=S seconds=S send=FILE reply=FILE [head=FILE] [rate=N] [window=N]
 *
 * head      an HTTP request, sent first on each connection; all up to the empty line of its answer is dropped
 * window    size of the receive buffer of each socket in bytes, so that little fits in it
 * rate      after the warm-up of mode echo, at most so many messages per second on all connections together
 * mode      echo       each connection keeps `inflight` messages under way
 *           broadcast  the first connection sends `inflight` messages, and each connection gets a reply to each of them
 *           hold       opens the connections, prints a line, and holds them until stdin ends, reading nothing
 *           connect    opens connections one after the other, `connections` at a time, and resets them after the answer
 *
 * Prints a line of JSON: messages, seconds, the processor time that process `pid` took meanwhile, latency percentiles.
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

#define MOST_INFLIGHT 256
#define HISTOGRAM (64 * 16)

struct connection {
  int fd;
  int head_matched;   /* octets of CRLF CRLF seen; 4 when the answer's head is over */
  int waits_writable;
  uint64_t to_send;   /* bytes of the send stream that shall still leave */
  uint64_t sent;      /* position in the send stream */
  uint64_t received;  /* position in the reply stream */
  uint64_t started;   /* when it was opened */
  uint32_t due;       /* messages that wait for the rate */
  uint32_t stamps_first, stamps_count;
  uint64_t stamps[MOST_INFLIGHT];
};

static char *send_bytes, *reply_bytes, *head_bytes;
static size_t send_length, reply_length, head_length;
static struct connection *connections;
static int count, inflight, port, poll_fd, window;
static uint64_t messages, histogram[HISTOGRAM];
static char buffer[1 << 20];
static uint64_t left; /* replies of the round, when broadcasting */
static double rate, allowed; /* allowed: messages that may leave now */
static uint64_t allowed_at;
static struct connection **due; /* a ring of those that have messages due */
static int due_first, due_count;

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "wrong answer");
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static uint64_t cpu_of(pid_t pid) {
  clockid_t clock;
  struct timespec t;
  if (pid == 0) return 0;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) die("processor time of the server");
  return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static const char *argument(int argc, char **argv, const char *name, const char *fallback) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++)
    if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
  return fallback;
}

static char *read_file(const char *path, size_t *length) {
  if (path == NULL) {
    *length = 0;
    return NULL;
  }
  FILE *file = fopen(path, "rb");
  if (file == NULL) die(path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*length + 1);
  if (fread(bytes, 1, *length, file) != *length) die(path);
  fclose(file);
  return bytes;
}

/* Sixteen buckets for each power of two. */
static void record(uint64_t ns) {
  int bit = 63 - __builtin_clzll(ns | 16);
  histogram[bit * 16 + ((ns >> (bit - 4)) & 15)]++;
}

static double percentile(double p) {
  uint64_t total = 0, sum = 0;
  for (int i = 0; i < HISTOGRAM; i++) total += histogram[i];
  for (int i = 0; i < HISTOGRAM; i++) {
    sum += histogram[i];
    if (sum > 0 && sum >= p * total) return (double)((uint64_t)(16 + (i & 15)) << ((i >> 4) - 4)) / 1000;
  }
  return 0;
}

static void watch(struct connection *c, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (c->waits_writable ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(poll_fd, operation, c->fd, &event) != 0) die("epoll_ctl");
}

/* Writes what is due of the periodic send stream. */
static void pump(struct connection *c) {
  while (c->to_send > 0) {
    size_t offset = c->sent % (send_length * inflight);
    size_t length = send_length * inflight - offset;
    if (length > c->to_send) length = c->to_send;
    ssize_t n = send(c->fd, send_bytes + offset, length, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN) die("send");
      break;
    }
    c->sent += n;
    c->to_send -= n;
  }
  int waits = c->to_send > 0;
  if (waits != c->waits_writable) {
    c->waits_writable = waits;
    watch(c, EPOLL_CTL_MOD);
  }
}

static void send_messages(struct connection *c, int n) {
  uint64_t at = now();
  for (int i = 0; i < n; i++) c->stamps[(c->stamps_first + c->stamps_count++) % MOST_INFLIGHT] = at;
  c->to_send += (uint64_t)n * send_length;
  pump(c);
}

static void enqueue(struct connection *c, uint32_t n) {
  if (n > 0 && c->due == 0) due[(due_first + due_count++) % count] = c;
  c->due += n;
}

/* Sends what the rate allows by now, one message of a connection after the other; saves up no more than 10 ms of it. */
static void send_due(void) {
  uint64_t at = now();
  double most = rate / 100 > 1 ? rate / 100 : 1;
  allowed += (at - allowed_at) * rate / 1e9;
  if (allowed > most) allowed = most;
  allowed_at = at;
  for (; allowed >= 1 && due_count > 0; allowed--) {
    struct connection *c = due[due_first];
    uint32_t others = c->due - 1;
    due_first = (due_first + 1) % count;
    due_count--;
    c->due = 0;
    enqueue(c, others);
    send_messages(c, 1);
  }
}

static void open_connection(struct connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int one = 1;
  memset(c, 0, sizeof *c);
  c->started = now();
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (window > 0) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  if (head_length > 0 && send(c->fd, head_bytes, head_length, MSG_NOSIGNAL) != (ssize_t)head_length) die("send head");
  c->head_matched = head_length > 0 ? 0 : 4;
  watch(c, EPOLL_CTL_ADD);
}

/* Drops the head of the answer. Returns how many bytes of it stood in the buffer. */
static ssize_t skip_head(struct connection *c, ssize_t n) {
  ssize_t i = 0;
  for (; i < n && c->head_matched < 4; i++) {
    if (buffer[i] == "\r\n\r\n"[c->head_matched]) c->head_matched++;
    else c->head_matched = buffer[i] == '\r';
  }
  return i;
}

/* Compares with the periodic reply stream. Returns how many replies became complete. */
static uint64_t check(struct connection *c, const char *bytes, size_t n) {
  uint64_t before = c->received / reply_length;
  while (n > 0) {
    size_t offset = c->received % reply_length;
    size_t length = reply_length - offset < n ? reply_length - offset : n;
    if (memcmp(bytes, reply_bytes + offset, length) != 0) {
      errno = 0;
      die("reply");
    }
    bytes += length;
    c->received += length;
    n -= length;
  }
  return c->received / reply_length - before;
}

/* Reads once. Returns complete replies; sets *opened when the head of the answer ended in this read. */
static uint64_t receive(struct connection *c, int *opened) {
  ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
  ssize_t skipped = 0;
  *opened = 0;
  if (n == 0) {
    errno = ECONNRESET;
    die("the server ended a connection");
  }
  if (n < 0) {
    if (errno == EAGAIN) return 0;
    die("recv");
  }
  if (c->head_matched < 4) {
    if (c->head_matched == 0 && memcmp(buffer, "HTTP/1.1 101", n < 12 ? n : 12) != 0) {
      errno = 0;
      die("status");
    }
    skipped = skip_head(c, n);
    *opened = c->head_matched == 4;
  }
  return n > skipped ? check(c, buffer + skipped, n - skipped) : 0;
}

static void open_all(void) {
  int opened, waiting = 0;
  struct epoll_event events[256];
  for (int i = 0; i < count; i++) {
    open_connection(&connections[i]);
    if (head_length > 0) waiting++;
    /* No more than the accept queue holds. */
    while (waiting > (i + 1 < count ? 100 : 0)) {
      int n = epoll_wait(poll_fd, events, 256, 10000);
      if (n <= 0) die("the answer to a handshake");
      for (int e = 0; e < n; e++) {
        receive(events[e].data.ptr, &opened);
        waiting -= opened;
      }
    }
  }
}

static void run(const char *mode, uint64_t until) {
  struct epoll_event events[256];
  int broadcast = strcmp(mode, "broadcast") == 0, connecting = strcmp(mode, "connect") == 0, opened;
  while (now() < until) {
    if (broadcast && left == 0) {
      left = (uint64_t)inflight * count;
      connections[0].stamps_count = 0;
      send_messages(&connections[0], inflight);
    }
    if (rate > 0) send_due();
    int n = epoll_wait(poll_fd, events, 256, due_count > 0 ? 1 : 5000);
    if (n == 0 && due_count > 0) continue;
    if (n == 0) {
      errno = ETIMEDOUT;
      die("no reply for 5 s");
    }
    for (int e = 0; e < n; e++) {
      struct connection *c = events[e].data.ptr;
      if (events[e].events & EPOLLOUT) pump(c);
      if (!(events[e].events & ~EPOLLOUT)) continue;
      uint64_t replies = receive(c, &opened);
      messages += replies;
      if (broadcast) {
        left -= replies;
        if (left == 0) record(now() - connections[0].stamps[connections[0].stamps_first % MOST_INFLIGHT]);
      } else if (connecting) {
        if (!opened) continue;
        struct linger reset = {1, 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(c->fd);
        messages++;
        record(now() - c->started);
        open_connection(c);
      } else if (replies > 0) {
        uint64_t at = now();
        for (uint64_t i = 0; i < replies; i++) record(at - c->stamps[c->stamps_first++ % MOST_INFLIGHT]);
        c->stamps_count -= replies;
        if (rate > 0) enqueue(c, replies);
        else send_messages(c, replies);
      }
    }
  }
}

int main(int argc, char **argv) {
  const char *mode = argument(argc, argv, "mode", "echo");
  pid_t pid = atoi(argument(argc, argv, "pid", "0"));
  double warmup = atof(argument(argc, argv, "warmup", "0.3")), seconds = atof(argument(argc, argv, "seconds", "1"));
  port = atoi(argument(argc, argv, "port", "0"));
  count = atoi(argument(argc, argv, "connections", "1"));
  inflight = atoi(argument(argc, argv, "inflight", "1"));
  window = atoi(argument(argc, argv, "window", "0"));
  if (count < 1 || inflight < 1 || inflight > MOST_INFLIGHT) {
    fprintf(stderr, "load: connections is at least 1, inflight 1 to %d\n", MOST_INFLIGHT);
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  head_bytes = read_file(argument(argc, argv, "head", NULL), &head_length);
  char *one = read_file(argument(argc, argv, "send", NULL), &send_length);
  reply_bytes = read_file(argument(argc, argv, "reply", NULL), &reply_length);
  send_bytes = malloc(send_length * inflight + 1);
  for (int i = 0; i < inflight && send_length > 0; i++) memcpy(send_bytes + i * send_length, one, send_length);
  connections = calloc(count, sizeof *connections);
  due = calloc(count, sizeof *due);
  poll_fd = epoll_create1(0);

  if (strcmp(mode, "connect") == 0)
    for (int i = 0; i < count; i++) open_connection(&connections[i]);
  else open_all();
  if (strcmp(mode, "hold") == 0) {
    printf("{\"connections\":%d}\n", count);
    fflush(stdout);
    while (read(0, buffer, sizeof buffer) > 0) continue;
    return 0;
  }
  if (strcmp(mode, "echo") == 0)
    for (int i = 0; i < count; i++) send_messages(&connections[i], inflight);
  /* The server is warm when it has worked for so long, which on a busy machine takes longer by the clock. */
  uint64_t cold = cpu_of(pid), patience = now() + (uint64_t)(warmup * 10e9);
  do run(mode, now() + (uint64_t)(warmup * 1e9));
  while (pid != 0 && cpu_of(pid) - cold < (uint64_t)(warmup * 1e9) && now() < patience);
  rate = atof(argument(argc, argv, "rate", "0"));
  allowed_at = now();
  /* What is under way when the limit comes is answered before anything is measured. */
  if (rate > 0) run(mode, now() + 1000000000u);
  memset(histogram, 0, sizeof histogram);
  messages = 0;
  uint64_t started = now(), cpu = cpu_of(pid);
  run(mode, started + (uint64_t)(seconds * 1e9));
  cpu = cpu_of(pid) - cpu;
  double elapsed = (now() - started) / 1e9;
  printf("{\"messages\":%llu,\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"p50Us\":%.2f,\"p99Us\":%.2f}\n",
         (unsigned long long)messages, elapsed, cpu / 1e9, percentile(0.5), percentile(0.99));
  return 0;
}
