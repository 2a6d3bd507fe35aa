# The images of the operator and of the worker:
#   docker build --target operator --tag distributedjob-operator .
#   docker build --target worker --tag distributedjob-worker .
# BASE_IMAGE is any Debian with Python 3.11 or newer and its venv module, by tag or by digest.
ARG BASE_IMAGE=python:3.13-slim
# Of tini any revision of this version that the base's Debian has, or one alone: 0.19.0-3+b3.
# With TINI_SHA256 its program must be that one as well.
ARG TINI_VERSION=0.19.0
ARG TINI_SHA256=""
# What the images say of themselves.
ARG VERSION=0.1.0
ARG REVISION=""
ARG SOURCE=""

# -- What both stand on -------------------------------------------------------------------
FROM ${BASE_IMAGE} AS base
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# -- What both are built from ------------------------------------------------------------
FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements-build.lock ./
RUN python3 -m venv /build && /build/bin/pip install --quiet --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY crds crds
COPY operator operator
COPY worker worker
COPY cli cli
COPY local local
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheel .

# -- Operator ----------------------------------------------------------------------------
FROM build AS operator-files
COPY requirements.lock ./
# Compiled by content, not by date: the same sources give the same files.
RUN python3 -m venv --without-pip /opt/djob \
 && /build/bin/pip --python /opt/djob/bin/python install --quiet --no-compile --require-hashes -r requirements.lock \
 && /build/bin/pip --python /opt/djob/bin/python install --quiet --no-compile --no-deps /wheel/*.whl \
 && /opt/djob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/djob/lib

FROM base AS operator
LABEL org.opencontainers.image.title="DistributedJob operator" \
      org.opencontainers.image.description="Plans and counts many short tasks"
COPY --from=operator-files /opt/djob /opt/djob
ENV PATH=/opt/djob/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["/opt/djob/bin/python", "-m", "distributedjob_operator"]

# -- Worker ------------------------------------------------------------------------------
FROM build AS agent
ARG TINI_VERSION
ARG TINI_SHA256
RUN apt-get update -qq \
 && apt-get install -qq --no-install-recommends "tini=${TINI_VERSION}*" > /dev/null \
 && if [ -n "${TINI_SHA256}" ]; then echo "${TINI_SHA256}  /usr/bin/tini-static" | sha256sum --check --quiet; fi
COPY requirements-worker.lock ./
RUN python3 -m venv --without-pip /agent-packages \
 && /build/bin/pip --python /agent-packages/bin/python install --quiet --no-compile --require-hashes -r requirements-worker.lock \
 && /build/bin/pip --python /agent-packages/bin/python install --quiet --no-compile --no-deps /wheel/*.whl \
 && python3 worker/agent_tree.py /agent-packages/lib/python3*/site-packages /opt/djob \
 && cp /usr/bin/tini-static /opt/djob/bin/tini \
 && python3 -m compileall -q --invalidation-mode unchecked-hash -s /opt/djob /opt/djob/lib

# The agent stands apart, with an interpreter of its own: a task gets the image's Python, and
# any other image becomes a worker by a copy of /opt/djob (see worker/agent_tree.py).
FROM base AS worker
LABEL org.opencontainers.image.title="DistributedJob worker" \
      org.opencontainers.image.description="Runs many short tasks, in this image or any other"
COPY --from=agent /opt/djob /opt/djob
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/opt/djob/bin/tini", "--", \
  "/opt/djob/lib/ld.so", "--library-path", "/opt/djob/lib", "--argv0", "/opt/djob/bin/python3", \
  "/opt/djob/bin/python3", "-I", "-B", "-u", "-m", "distributedjob_worker"]
