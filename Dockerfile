# Image of the stages on Kubeflow Pipelines and Vertex AI: docker build -t keras-pipeline .
# Debian 13, because the current stack needs glibc 2.39. Only the first stage has the compiler.
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
