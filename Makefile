# The door for newcomers: each target installs what it needs and calls the presets of
# CMakePresets.json, where the building is described.
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 600

.PHONY: start check test build dev bench attack soak install uninstall format lint fuzz clean

start: build
	@tools/env.sh
	@exec build/timbre serve

build:
	@tools/setup.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release --target timbre
	@cp -f build/release/timbre build/.timbre-new && mv -f build/.timbre-new build/timbre

test:
	@tools/setup.sh test
	@tools/setup.sh lint
	@tools/test.sh lint dev asan

check:
	@tools/setup.sh test
	@cmake --preset dev >/dev/null && cmake --build --preset dev
	@ctest --preset dev --label-regex fast

dev:
	@tools/setup.sh build
	@tools/env.sh
	@tools/dev.sh

bench:
	@tools/setup.sh bench
	@cmake --preset release >/dev/null && cmake --build --preset release
	@build/release/bench/bench-embedded --no-wer
	@build/release/bench/bench-ambience
	@bench/http.sh build/release

attack: build
	@tools/setup.sh attack
	@cmake --build --preset release --target timbre-seedmodel
	@tools/attack.sh build/timbre

soak: build
	@tools/setup.sh attack
	@cmake --build --preset release --target timbre-seedmodel
	@PYTHONDONTWRITEBYTECODE=1 python3 tools/attack/soak.py build/timbre

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/share/doc/timbre
	install -m 755 build/timbre $(DESTDIR)$(PREFIX)/bin/timbre
	build/timbre man >$(DESTDIR)$(PREFIX)/share/man/man1/timbre.1
	build/timbre completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/timbre
	build/timbre completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_timbre
	sed 's|@PREFIX@|$(PREFIX)|' packaging/timbre.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/timbre.service
	install -m 644 LICENSE NOTICE README.md packaging/timbre.env $(DESTDIR)$(PREFIX)/share/doc/timbre

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/timbre $(DESTDIR)$(PREFIX)/share/man/man1/timbre.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/timbre \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_timbre \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/timbre.service
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/timbre

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

lint:
	@tools/setup.sh test
	@tools/setup.sh lint
	@cmake --preset dev >/dev/null
	@tools/lint.sh

fuzz:
	cmake --workflow --preset fuzz
	@for f in build/fuzz/tests/fuzz/fuzz_*; do [ -x "$$f" ] && [ -f "$$f" ] || continue; \
	    n=$${f##*fuzz_}; mkdir -p build/fuzz/found/$$n; \
	    "$$f" -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/found/ \
	        -dict=tests/fuzz/dict/$$n.dict build/fuzz/found/$$n tests/fuzz/corpus/$$n || exit 1; done

clean:
	rm -rf build
