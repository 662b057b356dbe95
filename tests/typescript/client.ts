// A typed client in one page: every path, query, body and answer is that of the OpenAPI document.
import type { components, paths } from "./api";

export type Schemas = components["schemas"];
type Verb = "get" | "post" | "put" | "delete";
type Operation<P extends keyof paths, M extends Verb> = paths[P][M];
type Content<T> = T extends { content: { "application/json": infer Body } } ? Body : undefined;
type Good<R> = R[Extract<keyof R, 200 | 201 | 202 | 204>];
/** What a call answers with when it succeeds. */
export type Answer<P extends keyof paths, M extends Verb> =
  Operation<P, M> extends { responses: infer R } ? Content<Good<R>> : never;
type Query<O> = O extends { parameters: { query: infer Q } } ? { query: Q } : { query?: QueryOf<O> };
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? Q : never;
type Path<P extends keyof paths, M extends Verb> =
  Operation<P, M> extends { parameters: { path: infer T } } ? { path: T } : { path?: undefined };
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : { body?: undefined };
export type Given<P extends keyof paths, M extends Verb> = Query<Operation<P, M>> & Path<P, M> & Body<Operation<P, M>>;

interface Parts {
  path?: object | undefined;
  query?: object | undefined;
  body?: unknown;
}

/** A refusal; `code` is for programs, `message` the Chinese sentence for the person. */
export class Refused extends Error {
  constructor(
    readonly problem: Schemas["Problem"],
    readonly retryAfter: number,
  ) {
    super(problem.detail);
  }
}

export class Client {
  token = "";

  constructor(readonly base: string) {}

  /** One call. `key`: the Idempotency-Key of a POST; give the same one again when you repeat it. */
  async call<P extends keyof paths & string, M extends Verb>(
    method: M,
    path: P,
    given: Given<P, M>,
    key?: string,
  ): Promise<Answer<P, M>> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.send(method, path, given as Parts, key);
      if (answer.statusCode < 300) {
        return answer.data as Answer<P, M>;
      }
      const wait = Number(answer.header["Retry-After"] ?? answer.header["retry-after"] ?? 0);
      if (answer.statusCode !== 503 || attempt === 3 || (method === "post" && !key)) {
        throw new Refused(answer.data as Schemas["Problem"], wait);
      }
      await later(wait * 1000);
    }
  }

  /** One photo. */
  upload(filePath: string, key: string): Promise<Schemas["Photo"]> {
    return new Promise((resolve, reject) =>
      wx.uploadFile({
        url: `${this.base}/api/v1/photos`,
        filePath,
        name: "file",
        header: { Authorization: `Bearer ${this.token}`, "Idempotency-Key": key },
        // wx.uploadFile gives text, whatever the type.
        success: ({ data, statusCode }) =>
          statusCode === 201
            ? resolve(JSON.parse(data) as Schemas["Photo"])
            : reject(new Refused(JSON.parse(data) as Schemas["Problem"], 0)),
        fail: reject,
      }),
    );
  }

  private send(method: Verb, path: string, given: Parts, key?: string): Promise<WxAnswer> {
    const inPath = Object.entries(given.path ?? {});
    const filled = inPath.reduce((url, [name, value]) => url.replace(`{${name}}`, encodeURIComponent(String(value))), path);
    const query = Object.entries(given.query ?? {})
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
      .join("&");
    const header: Record<string, string> = { "Content-Type": "application/json" };
    if (this.token) header["Authorization"] = `Bearer ${this.token}`;
    if (key) header["Idempotency-Key"] = key;
    return new Promise((success, fail) =>
      wx.request({
        url: this.base + filled + (query ? `?${query}` : ""),
        method: method.toUpperCase() as "GET" | "POST" | "PUT" | "DELETE",
        header,
        data: given.body,
        success,
        fail,
      }),
    );
  }
}

export function later(milliseconds: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, milliseconds);
  });
}
