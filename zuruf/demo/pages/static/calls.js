// What the page asks of the server.
export async function post(path, body) {
  const isForm = body instanceof FormData;
  const answer = await fetch(`/phones/${path}`, {
    method: "POST",
    headers: isForm ? {} : { "Content-Type": "application/json" },
    body: isForm ? body : JSON.stringify(body ?? {}),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}
