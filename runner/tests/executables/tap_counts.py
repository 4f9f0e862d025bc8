#!/usr/bin/env python3
"""A Singer tap whose streams are numbers, and whose bookmarks are exact: what one covers never comes again.

Config: {"streams": {"a": 100, "b": 100}, "state_every": 10,
         "touch": {"a": [0, FILE]}   before that record of the stream, makes the file,
         "wait": {"b": [50, FILE]}   before that record of the stream, until the file is there,
         "until": {"b": [50, FILE, TEXT]}   before that record of the stream, until the file has the text,
         "fail": {"b": [50, FILE]}   at that record, unless the file is there, which is made then,
         "seen": DIRECTORY           a file for each start: its streams, its state}
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}, "stream": {"type": "string"}}}


def emit(message):
    sys.stdout.write(json.dumps(message) + "\n")


def catalog_of(config):
    method = config.get("method")
    facts = {"inclusion": "available"} | ({"replication-method": method} if method else {})
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": SCHEMA,
                "key_properties": ["id"],
                "metadata": [{"breadcrumb": [], "metadata": facts}],
            }
            for name in config["streams"]
        ]
    }


def wanted(config, catalog):
    if catalog is None:
        return list(config["streams"])
    return [
        stream["tap_stream_id"]
        for stream in catalog["streams"]
        if any(not entry["breadcrumb"] and entry["metadata"].get("selected") for entry in stream["metadata"])
    ]


def hold_up(config, name, number):
    at, file = config.get("touch", {}).get(name, (None, None))
    if number == at:
        Path(file).touch()
    at, file = config.get("wait", {}).get(name, (None, None))
    if number == at:
        sys.stdout.flush()
        while not Path(file).exists():
            time.sleep(0.01)
    at, file, text = config.get("until", {}).get(name, (None, None, None))
    if number == at:
        sys.stdout.flush()
        while not Path(file).exists() or text not in Path(file).read_text():
            time.sleep(0.01)
    at, file = config.get("fail", {}).get(name, (None, None))
    if number == at and not Path(file).exists():
        Path(file).touch()
        sys.stderr.write(f"CRITICAL {name} has lost its source, key {config.get('api_key')}\n")
        sys.stdout.flush()
        sys.exit(1)


def sync(config, names, state):
    bookmarks = state.setdefault("bookmarks", {})
    for name in names:
        emit({"type": "SCHEMA", "stream": name, "schema": SCHEMA, "key_properties": ["id"]})
        for number in range(bookmarks.get(name, {}).get("next", 0), config["streams"][name]):
            hold_up(config, name, number)
            emit({"type": "RECORD", "stream": name, "record": {"id": number, "stream": name}})
            if (number + 1) % config.get("state_every", 10) == 0:
                bookmarks[name] = {"next": number + 1}
                emit({"type": "STATE", "value": state})
                sys.stdout.flush()
        bookmarks[name] = {"next": config["streams"][name]}
        emit({"type": "STATE", "value": state})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--state")
    parser.add_argument("--catalog")
    parser.add_argument("--discover", action="store_true")
    arguments = parser.parse_args()
    config = json.loads(Path(arguments.config).read_text())
    if arguments.discover:
        print(json.dumps(catalog_of(config)))
        return
    catalog = json.loads(Path(arguments.catalog).read_text()) if arguments.catalog else None
    state = json.loads(Path(arguments.state).read_text()) if arguments.state else {}
    names = wanted(config, catalog)
    if config.get("seen"):
        note = {"streams": names, "state": state, "environ": dict(os.environ)}
        (Path(config["seen"]) / f"{os.getpid()}.json").write_text(json.dumps(note))
    sync(config, names, state)


main()
