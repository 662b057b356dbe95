// As much of the mini program's own API as the phone uses.
interface WxAnswer {
  data: unknown;
  statusCode: number;
  header: Record<string, string>;
}
declare const wx: {
  login(options: { success: (result: { code: string }) => void; fail: (error: unknown) => void }): void;
  request(options: {
    url: string;
    method: "GET" | "POST" | "PUT" | "DELETE";
    header: Record<string, string>;
    data?: unknown;
    success: (answer: WxAnswer) => void;
    fail: (error: unknown) => void;
  }): void;
  uploadFile(options: {
    url: string;
    filePath: string;
    name: "file";
    header: Record<string, string>;
    success: (answer: { data: string; statusCode: number }) => void;
    fail: (error: unknown) => void;
  }): void;
};
declare function setTimeout(run: () => void, milliseconds: number): number;
