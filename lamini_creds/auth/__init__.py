"""
Adapters that send a key with one HTTP client each, to its own origin alone, and fetch it anew when it is rejected.

- `lamini_creds.auth.httpx.CredentialAuth`, and `lamini_creds.auth.httpx2.CredentialAuth`
- `lamini_creds.auth.requests.CredentialAuth`
- `lamini_creds.auth.aiohttp.credential_middleware`
- `lamini_creds.auth.urllib3.CredentialPoolManager`
- `lamini_creds.auth.urllib.CredentialHandler`

Each module imports its client; this one imports none.
"""
