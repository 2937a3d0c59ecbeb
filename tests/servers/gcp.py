"""
Google Secret Manager's double: one store behind gRPC and REST, on the SDK's own message types.

    store = Store()
    store.put("projects/p/secrets/lamini", b"test-key-1")
    with GrpcServer(store, certificate) as grpc_server, RestServer(store, certificate) as rest_server:
        ...
"""

from __future__ import annotations

import json
import re
import ssl
import sys
from concurrent import futures
from pathlib import Path
from typing import Any, NamedTuple, Self

import grpc
from google.cloud.secretmanager_v1.types import service
from google.protobuf import any_pb2, json_format
from google.rpc import error_details_pb2, status_pb2

sys.path.insert(0, str(Path(__file__).parent))

from faults import FaultProxy
from gcp_http import Handler, HttpServer
from gcp_store import SECRET, Refusal, Store

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
REQUESTS: dict[str, Any] = {
    "AccessSecretVersion": service.AccessSecretVersionRequest,
    "GetSecret": service.GetSecretRequest,
    "GetSecretVersion": service.GetSecretVersionRequest,
}
ROUTES = {
    rf"/v1/({SECRET}/versions/[^/:]+):access": "AccessSecretVersion",
    rf"/v1/({SECRET}/versions/[^/:]+)": "GetSecretVersion",
    rf"/v1/({SECRET})": "GetSecret",
}
_HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Certificate(NamedTuple):
    """A server's private key and certificate in PEM, with the file that holds both."""

    key: bytes
    chain: bytes
    file: str

    def context(self) -> ssl.SSLContext:
        """Give the TLS of a server that has this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context


class GrpcServer:
    """The store over gRPC with TLS."""

    def __init__(self, store: Store, certificate: Certificate, port: int = 0) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        handlers = {method: _grpc_handler(store, method) for method in REQUESTS}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
        self.port = self._server.add_secure_port(f"127.0.0.1:{port}", credentials)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait(10)


class RestServer(HttpServer):
    """The store over HTTP and JSON, with TLS where a certificate is given."""

    def __init__(self, store: Store, certificate: Certificate | None = None) -> None:
        super().__init__(_RestHandler)
        self.store = store
        self._front = FaultProxy(self._server.server_port, tls=certificate.context()) if certificate else None

    @property
    def port(self) -> int:
        return self._front.port if self._front else super().port

    def __enter__(self) -> Self:
        if self._front:
            self._front.__enter__()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        if self._front:
            self._front.close()
        super().__exit__()


def _details(refusal: Refusal) -> list[any_pb2.Any]:
    if not refusal.reason:
        return []
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=refusal.reason, domain="googleapis.com"))
    return [packed]


def _grpc_handler(store: Store, method: str) -> Any:
    def handle(raw: bytes, context: grpc.ServicerContext) -> bytes:
        metadata = {name: str(value) for name, value in context.invocation_metadata()}
        token = metadata.get("authorization", "")[7:] or None
        request = REQUESTS[method].deserialize(raw)
        try:
            reply = store.answer(method, request.name, token)
        except Refusal as refusal:
            code = grpc.StatusCode[refusal.status]
            status = status_pb2.Status(code=code.value[0], message=refusal.message, details=_details(refusal))
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(code, refusal.message)
        return bytes(type(reply).serialize(reply))

    return grpc.unary_unary_rpc_method_handler(handle)


class _RestHandler(Handler):
    double: RestServer

    def answer(self, _body: bytes) -> None:
        path = self.path.partition("?")[0]
        token = (self.headers.get("authorization") or "")[7:] or None
        try:
            status, document = 200, self._reply(path, token)
        except Refusal as refusal:
            status = _HTTP_STATUS[refusal.status]
            document = {"error": {"code": status, "message": refusal.message, "status": refusal.status}}
            if refusal.reason:
                document["error"]["details"] = [json_format.MessageToDict(item) for item in _details(refusal)]
        self.send(status, json.dumps(document).encode())

    def _reply(self, path: str, token: str | None) -> dict[str, Any]:
        for route, method in ROUTES.items():
            if match := re.fullmatch(route, path):
                reply = self.double.store.answer(method, match[1], token)
                return dict(json_format.MessageToDict(type(reply).pb(reply)))
        raise Refusal("NOT_FOUND", "The requested URL was not found on this server.")
