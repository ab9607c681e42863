# Image of the stages on Kubeflow Pipelines and Vertex AI: docker build -t keras-pipeline .
# For workers of Dataflow: docker build --target dataflow -t keras-pipeline-dataflow .
# Debian 13, because the current stack needs glibc 2.39. Only the first stage has the compiler; none has linters and tests.
FROM debian:trixie-slim AS packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY pyproject.toml uv.lock ./
COPY orchestration/setup/install.py orchestration/setup/
RUN python3 orchestration/setup/install.py --stack current --runtime

FROM debian:trixie-slim AS stages
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home pipeline \
 && install --directory --owner=pipeline /app
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY --chown=pipeline . .
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app LANG=C.UTF-8
USER pipeline
CMD ["python", "runner.py", "--help"]

# Dataflow starts its workers with Beam's boot program, of the Python and Beam in uv.lock.
FROM stages AS dataflow
COPY --from=apache/beam_python3.13_sdk:2.77.0 /opt/apache/beam/boot /opt/apache/beam/boot
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM stages
