"""Is a quote found only where its lines are, and never without its file?"""

from .quotes import quotes_in, stands_in

FILE = """int f() {
  if (a) {
    b();

    c();
  }
}
"""
TEXT = """Words.

```cpp
// models/a.cpp
b();

c();

// models/b.hpp
d();
```

    indented();

```python
# models/c.py
e()
```

```cpp
nobodys();
```
"""


def test_quotes_are_found_with_their_files():
    assert quotes_in(TEXT) == [("models/a.cpp", "b();\n\nc();"), ("models/b.hpp", "d();"),
                               ("models/c.py", "e()"), (None, "nobodys();")]


def test_a_fence_of_any_language_is_a_quote():
    for language in ("c++", "", "cpp title=x", "text"):
        assert quotes_in(f"```{language}\n// models/a.cpp\nb();\n```\n") == [
            ("models/a.cpp", "b();")]


def test_nothing_is_no_quote():
    assert quotes_in("```cpp\n// models/a.cpp\n```\n") == [("models/a.cpp", "")]
    assert not stands_in("", FILE) and not stands_in("\n", FILE)


def test_indentation_may_differ_as_a_whole_and_in_nothing_else():
    assert stands_in("if (a) {\n  b();", FILE)
    assert stands_in("b();\n\nc();", FILE)
    assert not stands_in("if (a) {\nb();", FILE)
    assert not stands_in("b();\nc();", FILE)


def test_a_changed_word_and_a_part_of_a_line_are_no_quotes():
    assert not stands_in("if (a) {\n  B();", FILE)
    assert not stands_in("int f()", FILE)
    assert not stands_in("c();\n}\n}\nmore();", FILE)
