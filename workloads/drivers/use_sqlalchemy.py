"""sqlalchemy on SQLite: models and relations, a rollback, and two processes that write one database in WAL mode."""

import os
import subprocess
import sys
import tempfile

from sqlalchemy import ForeignKey, create_engine, event, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


def engine(file):
    e = create_engine(f"sqlite:///{file}", connect_args={"timeout": 60})

    @event.listens_for(e, "connect")
    def _(connection, record):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return e


def writer(file, label, n):
    e = engine(file)
    for i in range(n):
        with Session(e) as s, s.begin():
            s.add(Author(name=f"{label}{i}", books=[Book(title=f"{label} {i} {j}") for j in range(3)]))


def models(e):
    with Session(e) as s, s.begin():
        s.add_all([Author(name=f"author {i}", books=[Book(title=f"t{i}-{j}") for j in range(i)]) for i in range(20)])
    with Session(e) as s:
        query = select(Author.name, func.count(Book.id)).join(Book).group_by(Author.id).having(func.count(Book.id) > 16).order_by(Author.id)
        assert s.execute(query).all() == [("author 17", 17), ("author 18", 18), ("author 19", 19)]
        s.delete(s.scalars(select(Author).where(Author.name == "author 19")).one())
        s.commit()
        assert s.scalar(select(func.count(Book.id))) == sum(range(19))
    print("models", sum(range(19)))


def refused(e):
    with Session(e) as s:
        s.add(Author(name="author 1"))
        try:
            s.commit()
            raise AssertionError("a duplicate was accepted")
        except IntegrityError:
            s.rollback()
        assert s.scalar(select(func.count(Author.id))) == 19
    print("rollback", 19)


def two_writers(e, file):
    others = [subprocess.Popen([sys.executable, __file__, file, label]) for label in ("x", "y")]
    assert [p.wait() for p in others] == [0, 0]
    with e.connect() as c:
        assert c.scalar(text("PRAGMA journal_mode")) == "wal"
        assert c.scalar(text("SELECT count(*) FROM author WHERE name LIKE 'x%' OR name LIKE 'y%'")) == 80
        assert c.scalar(text("PRAGMA integrity_check")) == "ok"
    print("two writers", 80)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        writer(sys.argv[1], sys.argv[2], 40)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "library.sqlite")
            db = engine(path)
            Base.metadata.create_all(db)
            models(db)
            refused(db)
            two_writers(db, path)
            db.dispose()
