"""Items that an event loop reads."""

from __future__ import annotations

from postbox._item import Item, item_from_json
from postbox._native import Handle, check, ffi, lib
from postbox._text import utf8
from postbox._values import ItemLike, item_to_json
from postbox.aio._completion import awaited


async def read_item(postbox: Handle, table: str, key: ItemLike) -> Item | None:
    """Reads one item of any table, with a consistent read. Returns None if the item does not exist."""
    made = ffi.new("postbox_item **")
    check(lib.postbox_item_from_json(item_to_json(key, "key"), made))
    wanted, name = ffi.gc(made[0], lib.postbox_item_free), utf8(table, "table")
    read = lib.postbox_read_item_async
    result = await awaited(lambda *completion: read(postbox._pointer, name, wanted, *completion))
    if not result:
        return None
    item = ffi.gc(lib.postbox_result_take_item(result), lib.postbox_item_free)
    text = ffi.new("char **")
    check(lib.postbox_item_to_json(item, text))
    return item_from_json(ffi.string(ffi.gc(text[0], lib.postbox_string_free)).decode())
