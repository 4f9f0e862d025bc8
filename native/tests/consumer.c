/* Reads a Singer stream through the C ABI, prints what it meets, and writes the records back.
 *
 *   consumer FILE
 *
 * Every stream is planned as {id: int64, name: utf8}. It shows all that a caller in C has to do,
 * and under valgrind that nothing is left behind. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dativo.h"

#define COLUMNS 2

static void fail(const char *what, DativoError *error) {
  fprintf(stderr, "%s: code %d, line %" PRIu64 ": %.*s\n", what, error->code, error->line,
          (int)error->message_len, error->message ? error->message : "");
  dativo_error_clear(error);
  exit(1);
}

/* ---- the schema {id: int64, name: utf8}, as its producer ---- */

struct owned_schema {
  struct ArrowSchema columns[COLUMNS];
  struct ArrowSchema *pointers[COLUMNS];
};

static void release_column(struct ArrowSchema *schema) { schema->release = NULL; }

static void release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
  }
  free(schema->private_data);
  schema->release = NULL;
}

static void column(struct ArrowSchema *schema, const char *name, const char *format) {
  memset(schema, 0, sizeof *schema);
  schema->name = name;
  schema->format = format;
  schema->flags = 2; /* nullable */
  schema->release = release_column;
}

static void make_schema(struct ArrowSchema *schema) {
  struct owned_schema *owned = malloc(sizeof *owned);
  if (owned == NULL) abort();
  column(&owned->columns[0], "id", "l");
  column(&owned->columns[1], "name", "u");
  for (int i = 0; i < COLUMNS; i++) owned->pointers[i] = &owned->columns[i];
  memset(schema, 0, sizeof *schema);
  schema->format = "+s";
  schema->n_children = COLUMNS;
  schema->children = owned->pointers;
  schema->private_data = owned;
  schema->release = release_schema;
}

/* ---- a batch, as its consumer ---- */

static int is_null(const struct ArrowArray *array, int64_t row) {
  const uint8_t *validity = array->buffers[0];
  int64_t bit = array->offset + row;
  return validity != NULL && !(validity[bit / 8] >> (bit % 8) & 1);
}

static void print_rows(const struct ArrowArray *batch) {
  const struct ArrowArray *ids = batch->children[0], *names = batch->children[1];
  const int64_t *numbers = ids->buffers[1];
  const int32_t *offsets = names->buffers[1];
  const char *text = names->buffers[2];
  for (int64_t row = 0; row < batch->length; row++) {
    int64_t at = names->offset + row;
    if (is_null(ids, row)) printf("  id=null");
    else printf("  id=%" PRId64, numbers[ids->offset + row]);
    if (is_null(names, row)) printf(" name=null\n");
    else printf(" name=%.*s\n", (int)(offsets[at + 1] - offsets[at]), text + offsets[at]);
  }
}

static void write_back(DativoSlice stream, struct ArrowSchema *schema, struct ArrowArray *batch) {
  static const char time[] = "2024-01-01T00:00:00Z";
  DativoError error = {0};
  DativoEncoder *encoder = NULL;
  struct ArrowSchema planned;
  DativoSlice lines;
  int64_t version = 3;
  make_schema(&planned);
  if (dativo_encoder_new(stream.data, stream.len, &planned, &version, &encoder, &error) != DATIVO_STATUS_OK)
    fail("encoder_new", &error);
  if (dativo_encoder_encode(encoder, schema, batch, time, strlen(time), &lines, &error) != DATIVO_STATUS_OK)
    fail("encoder_encode", &error);
  printf("%.*s", (int)lines.len, lines.data);
  dativo_encoder_free(encoder);
}

/* ---- events ---- */

static void on_schema(DativoReader *reader, const DativoEvent *event) {
  DativoError error = {0};
  struct ArrowSchema schema;
  make_schema(&schema);
  printf("SCHEMA %.*s line %" PRIu64 "\n", (int)event->stream.len, event->stream.data, event->line);
  if (dativo_reader_plan(reader, event->stream.data, event->stream.len, &schema, NULL, 0, &error) !=
      DATIVO_STATUS_OK)
    fail("reader_plan", &error);
}

static void on_batch(DativoReader *reader, const DativoEvent *event) {
  DativoError error = {0};
  struct ArrowSchema schema;
  struct ArrowArray batch;
  /* The export is the next call on the reader, so what the event lends is used before it. */
  char name[64];
  DativoSlice stream = {name, event->stream.len};
  if (event->stream.len > sizeof name) abort();
  memcpy(name, event->stream.data, event->stream.len);
  printf("BATCH %.*s line %" PRIu64 " rows %" PRIu64 "\n", (int)stream.len, name, event->line, event->rows);
  if (dativo_reader_batch_export(reader, &schema, &batch, &error) != DATIVO_STATUS_OK)
    fail("reader_batch_export", &error);
  print_rows(&batch);
  write_back(stream, &schema, &batch);
  if (schema.release != NULL || batch.release != NULL) abort(); /* both were moved */
}

static int on_event(DativoReader *reader, const DativoEvent *event) {
  switch (event->kind) {
  case DATIVO_EVENT_KIND_SCHEMA: on_schema(reader, event); break;
  case DATIVO_EVENT_KIND_BATCH: on_batch(reader, event); break;
  case DATIVO_EVENT_KIND_STATE: printf("STATE %.*s\n", (int)event->text.len, event->text.data); break;
  case DATIVO_EVENT_KIND_INVALID:
    printf("INVALID line %" PRIu64 " at \"%.*s\": %.*s\n", event->line, (int)event->path.len,
           event->path.data, (int)event->reason.len, event->reason.data);
    break;
  case DATIVO_EVENT_KIND_NOTICE:
    printf("NOTICE %.*s %.*s\n", (int)event->reason.len, event->reason.data, (int)event->text.len,
           event->text.data);
    break;
  case DATIVO_EVENT_KIND_ACTIVATE_VERSION: printf("ACTIVATE_VERSION %" PRId64 "\n", event->version); break;
  case DATIVO_EVENT_KIND_IDLE: break;
  case DATIVO_EVENT_KIND_END: printf("END\n"); return 0;
  default: printf("kind %d\n", event->kind);
  }
  return 1;
}

/* A caller that errs gets a status, and outputs stay as they were. */
static void err_on_purpose(void) {
  DativoError error = {0};
  DativoReader *reader = NULL;
  DativoEvent event = {.kind = -7};
  DativoReaderOptions options = {.struct_size = sizeof options + 8};
  if (dativo_reader_new(-2, NULL, &reader, &error) != DATIVO_STATUS_IO || reader != NULL) abort();
  if (dativo_reader_new(-1, &options, &reader, &error) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  if (dativo_reader_new(-1, NULL, NULL, &error) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  if (dativo_reader_next(NULL, &event, NULL) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  if (event.kind != -7 || error.code != DATIVO_STATUS_INVALID_ARGUMENT || error.message_len == 0) abort();
  dativo_error_clear(&error);
  DativoPgRows *rows = NULL;
  DativoPqCalls calls = {.struct_size = sizeof calls};
  struct ArrowSchema columns;
  make_schema(&columns);
  if (dativo_pg_rows_new(&calls, &calls, &columns, NULL, &rows, &error) != DATIVO_STATUS_INVALID_ARGUMENT) abort();
  if (rows != NULL || columns.release != NULL) abort(); /* nothing was made, the schema was moved */
  dativo_error_clear(&error);
  dativo_pg_rows_cancel(NULL);
  dativo_pg_rows_free(NULL);
  dativo_reader_cancel(NULL);
  dativo_reader_free(NULL);
  dativo_encoder_free(NULL);
}

int main(int argc, char **argv) {
  DativoError error = {0};
  DativoReader *reader = NULL;
  DativoEvent event;
  DativoStats stats;
  DativoReaderOptions options = {.struct_size = sizeof options, .read_bytes = 64};
  int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  if (fd < 0) {
    fprintf(stderr, "usage: consumer FILE\n");
    return 2;
  }
  if (dativo_abi_version() != DATIVO_ABI_VERSION) {
    fprintf(stderr, "the header and the library differ in their version\n");
    return 1;
  }
  err_on_purpose();
  if (dativo_reader_new(fd, &options, &reader, &error) != DATIVO_STATUS_OK) fail("reader_new", &error);
  do {
    if (dativo_reader_next(reader, &event, &error) != DATIVO_STATUS_OK) fail("reader_next", &error);
  } while (on_event(reader, &event));
  if (dativo_reader_stats(reader, &stats, &error) != DATIVO_STATUS_OK) fail("reader_stats", &error);
  printf("lines %" PRIu64 " records %" PRIu64 " invalid %" PRIu64 "\n", stats.lines, stats.records,
         stats.invalid);
  dativo_reader_free(reader);
  printf("live handles %" PRIu64 "\n", dativo_live_handles());
  return close(fd) == 0 ? 0 : 1;
}
