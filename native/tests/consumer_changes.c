/* Reads changes of PostgreSQL through the C ABI, from functions that stand for those of libpq, and prints them.
 *
 * The messages are a transaction as protocol 1 has it, a large one that protocol 2 sends before its commit, and a
 * message that is broken off. Under valgrind it shows that nothing is left behind, in libpq's memory neither. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dativo.h"

#define RELID "\0\0\0\x4d"
#define LSN(n) "\0\0\0\0\0\0\0" n
#define CLOCK LSN("\0")
#define DATA(n) "w" LSN(n) LSN(n) CLOCK
#define DESCRIPTION RELID "public\0t\0d\0\2\1id\0\0\0\0\x14\xff\xff\xff\xff\0v\0\0\0\0\x19\xff\xff\xff\xff"
#define ROW(key, value) RELID "N\0\2t\0\0\0\1" key "t\0\0\0\1" value
#define MESSAGE(text) {text, sizeof text - 1}

static const struct {
  const char *bytes;
  int length;
} messages[] = {
    {NULL, 0}, /* nothing yet: the caller waits */
    {NULL, 0},
    MESSAGE(DATA("\x10") "B" LSN("\x20") CLOCK "\0\0\0\7"),
    MESSAGE(DATA("\x11") "R" DESCRIPTION),
    MESSAGE(DATA("\x12") "I" ROW("1", "a")),
    MESSAGE(DATA("\x13") "U" RELID "N\0\2t\0\0\0\1" "1" "u"),
    MESSAGE(DATA("\x20") "C\0" LSN("\x20") LSN("\x28") CLOCK),
    MESSAGE(DATA("\x30") "S\0\0\0\x09\1"),
    MESSAGE(DATA("\x31") "I\0\0\0\x09" ROW("2", "b")),
    MESSAGE(DATA("\x32") "I\0\0\0\x0a" ROW("3", "c")),
    MESSAGE(DATA("\x33") "E"),
    MESSAGE(DATA("\x34") "A\0\0\0\x09\0\0\0\x0a"),
    MESSAGE("k" LSN("\x34") CLOCK "\1"),
    MESSAGE(DATA("\x40") "c\0\0\0\x09\0" LSN("\x40") LSN("\x48") CLOCK),
    MESSAGE(DATA("\x50") "B" LSN("\x60")),
};

/* ---- what stands for libpq ---- */

struct connection {
  size_t next;
  int silent[2];
};

static int get_copy_data(void *conn, char **row, int async_mode) {
  struct connection *connection = conn;
  if (!async_mode) abort();
  if (connection->next == sizeof messages / sizeof *messages) return -1;
  const char *bytes = messages[connection->next].bytes;
  int length = messages[connection->next++].length;
  if (bytes == NULL) return 0;
  *row = malloc((size_t)length);
  if (*row == NULL) abort();
  memcpy(*row, bytes, (size_t)length);
  return length;
}

static void free_mem(void *memory) { free(memory); }
static int consume_input(void *conn) { return conn != NULL; }
static int socket_of(const void *conn) { return ((const struct connection *)conn)->silent[0]; }
static const char *error_message(const void *conn) { return conn != NULL ? "none" : "no connection"; }
static int lib_version(void) { return 180000; }

/* ---- the schema {id: int64, v: utf8}, as its producer ---- */

static void released(struct ArrowSchema *schema) { schema->release = NULL; }

/* One pair of metadata, as the C Data Interface lays it out. */
static const char *metadata(char *into, const char *key, const char *value) {
  int32_t lengths[] = {1, (int32_t)strlen(key), (int32_t)strlen(value)};
  memcpy(into, lengths, 8);
  memcpy(into + 8, key, strlen(key));
  memcpy(into + 8 + strlen(key), &lengths[2], 4);
  memcpy(into + 12 + strlen(key), value, strlen(value));
  return into;
}

static void plan(DativoPgChanges *changes, uint32_t relid) {
  static char forms[2][64];
  struct ArrowSchema columns[2] = {
      {.format = "l", .name = "id", .flags = 2, .release = released},
      {.format = "u", .name = "v", .flags = 2, .release = released},
  };
  columns[0].metadata = metadata(forms[0], "dativo.pg", "int8");
  columns[1].metadata = metadata(forms[1], "dativo.pg", "text");
  struct ArrowSchema *children[] = {&columns[0], &columns[1]};
  struct ArrowSchema schema = {.format = "+s", .name = "", .n_children = 2, .children = children, .release = released};
  DativoError error = {0};
  if (dativo_pg_changes_plan(changes, relid + 1, NULL, 0, &error) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  dativo_error_clear(&error);
  if (dativo_pg_changes_plan(changes, relid, &schema, 0, &error) != DATIVO_STATUS_OK) abort();
  if (schema.release != NULL) abort();
}

static void print_batch(DativoPgChanges *changes) {
  struct ArrowArray batch;
  if (dativo_pg_changes_batch_export(changes, NULL, &batch, NULL) != DATIVO_STATUS_OK) abort();
  if (dativo_pg_changes_batch_export(changes, NULL, &batch, NULL) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  const int64_t *ids = batch.children[0]->buffers[1];
  const int32_t *ends = batch.children[1]->buffers[1];
  const char *values = batch.children[1]->buffers[2];
  const int32_t *unchanged = batch.children[2]->buffers[1];
  for (int64_t row = 0; row < batch.length; row++) {
    printf("  id=%" PRId64 " v=%.*s unchanged=%d\n", ids[row], (int)(ends[row + 1] - ends[row]), values + ends[row],
           (int)(unchanged[row + 1] - unchanged[row]));
  }
  batch.release(&batch);
}

static int told(DativoPgChanges *changes, const DativoPgChange *change) {
  switch (change->kind) {
  case DATIVO_PG_CHANGE_KIND_IDLE: printf("IDLE\n"); return 1;
  case DATIVO_PG_CHANGE_KIND_RELATION:
    printf("RELATION %" PRIu32 " %.*s\n", change->relid, (int)change->text.len, change->text.data);
    plan(changes, change->relid);
    return 1;
  case DATIVO_PG_CHANGE_KIND_BATCH:
    printf("BATCH %" PRIu32 " rows %" PRIu64 "\n", change->relid, change->rows);
    print_batch(changes);
    return 1;
  case DATIVO_PG_CHANGE_KIND_COMMIT:
    printf("COMMIT %" PRIu32 " at %" PRIu64 " up to %" PRIu64 "\n", change->xid, change->lsn, change->end_lsn);
    return 1;
  case DATIVO_PG_CHANGE_KIND_KEEPALIVE: printf("KEEPALIVE %" PRIu64 "\n", change->end_lsn); return 1;
  default: printf("kind %d\n", change->kind); return 0;
  }
}

int main(void) {
  DativoError error = {0};
  DativoPgChanges *changes = NULL;
  DativoPgChange change;
  struct connection connection = {0};
  DativoPgOptions options = {.struct_size = sizeof options, .spool_bytes = 1};
  DativoPqCalls calls = {sizeof calls, 1, get_copy_data, free_mem, consume_input, socket_of, error_message, lib_version};
  uint64_t counts[2];
  if (pipe(connection.silent) != 0) abort();
  if (dativo_pg_changes_new(NULL, &calls, NULL, NULL, 0, &changes, &error) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  dativo_error_clear(&error);
  if (dativo_pg_changes_new(&connection, &calls, &options, "", 0, &changes, &error) != DATIVO_STATUS_OK) abort();
  while (dativo_pg_changes_next(changes, &change, &error) == DATIVO_STATUS_OK && told(changes, &change)) {
  }
  printf("code %d: %.*s\n", error.code, (int)error.message_len, error.message);
  dativo_error_clear(&error);
  if (dativo_pg_changes_tally(changes, 77, counts, 2, NULL) != DATIVO_STATUS_OK || counts[0] + counts[1] != 0) abort();
  if (dativo_pg_changes_flush(changes, NULL) != DATIVO_STATUS_OK) abort();
  dativo_pg_changes_cancel(changes);
  dativo_pg_changes_cancel(NULL);
  dativo_pg_changes_free(changes);
  dativo_pg_changes_free(NULL);
  close(connection.silent[0]);
  close(connection.silent[1]);
  printf("live handles %" PRIu64 "\n", dativo_live_handles());
  return 0;
}
