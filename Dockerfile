# The image that Kubeflow Pipelines and Vertex AI start: docker build -t keras-pipeline .
# Debian 13, as the current stack needs its glibc. The compiler stays in the first stage.
FROM debian:trixie-slim AS packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY pyproject.toml uv.lock ./
COPY orchestration/setup/install.py orchestration/setup/
RUN python3 orchestration/setup/install.py --stack current

FROM debian:trixie-slim
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
