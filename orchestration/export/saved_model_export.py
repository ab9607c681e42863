"""A copy of a pushed version with files that run it in TensorFlow Serving: Docker Compose and Kubernetes."""

import importlib.metadata
import json
import os
import re

from serving.onnx_model import MANIFEST
from serving.version_files import copy, write
from spec.file_names import WARM_UP

_COMPOSE = """\
# docker compose up --wait
services:
  {service}:
    image: tensorflow/serving:{image}
    environment:
      MODEL_NAME: {name}
    ports:
      - "127.0.0.1:8500:8500"
      - "127.0.0.1:8501:8501"
    volumes:
      - ./models/{name}:/models/{name}:ro
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    healthcheck:
      # Ready once the metadata can be read: the version is loaded and warmed. The image has no curl.
      test:
        - CMD
        - bash
        - -c
        - >-
          exec 3<>/dev/tcp/127.0.0.1/8501 &&
          printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 &&
          head -n 1 <&3 | grep -q ' 200 '
      interval: 2s
      timeout: 5s
      retries: 60
"""
_DOCKERFILE = """\
# docker build -t {service}:{version} .
FROM tensorflow/serving:{image}
COPY models/{name} /models/{name}
ENV MODEL_NAME={name}
USER 65534:65534
"""
_KUBERNETES = """\
# Build and push the image of the Dockerfile, set `image` to its name, then: kubectl apply -f kubernetes.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: {service}}}
  template:
    metadata:
      labels: {{app: {service}}}
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
      containers:
        - name: serving
          image: {service}:{version}
          ports:
            - {{name: grpc, containerPort: 8500}}
            - {{name: rest, containerPort: 8501}}
          # The metadata can be read once the version is loaded and warmed.
          startupProbe:
            httpGet: {{path: {path}, port: rest}}
            periodSeconds: 2
            failureThreshold: 60
          readinessProbe:
            httpGet: {{path: {path}, port: rest}}
            periodSeconds: 5
          livenessProbe:
            tcpSocket: {{port: rest}}
            periodSeconds: 10
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {{drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata:
  name: {service}
spec:
  selector: {{app: {service}}}
  ports:
    - {{name: grpc, port: 8500, targetPort: grpc}}
    - {{name: rest, port: 8501, targetPort: rest}}
"""


def write_files(source: str, target: str, name: str, version: int) -> list[str]:
    """Copy a version, and write the files that run it.

    Args:
        source: Its folder.
        target: Folder to write to.
        name: The pipeline, and the model's name in requests.
        version: Its number.

    Returns:
        Notes for the user, one sentence each.
    """
    copy(source, os.path.join(target, "models", name, str(version)))
    fields = {
        "name": name,
        "service": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
        "version": version,
        "image": importlib.metadata.version("tensorflow-serving-api"),
        "path": f"/v1/models/{name}/metadata",
    }
    for file, text in (("compose.yaml", _COMPOSE), ("Dockerfile", _DOCKERFILE), ("kubernetes.yaml", _KUBERNETES)):
        write(os.path.join(target, file), text.format(**fields).encode())
    manifest = {"format": "saved_model", "name": name, "version": version}
    write(os.path.join(target, MANIFEST), json.dumps(manifest, indent=1).encode())
    if os.path.isfile(os.path.join(source, WARM_UP)):
        return []
    return [f"the version has no {WARM_UP}: its first requests are slow; a newly pushed one has it"]
