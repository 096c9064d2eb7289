import { expect } from '@jest/globals';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { SearchApp } from './search-app';
import type { AdminCredentials } from './strapi-client';

interface Permission {
  action: string;
  conditions?: string[];
}

export interface Agents {
  /** An agent with a token of the super administrator, or of another. */
  agentWith: (
    permissions: readonly Permission[],
    credentials?: AdminCredentials,
  ) => Promise<Client>;
  close: () => Promise<unknown>;
}

/** Clients of Strapi's MCP server. */
export function createAgents(appOf: () => SearchApp): Agents {
  const clients: Client[] = [];
  let tokens = 0;
  return {
    async agentWith(permissions, credentials) {
      const app = appOf();
      tokens += 1;
      const { body, status } = await app.request
        .post('/admin/admin-tokens')
        .auth(await app.adminToken(credentials), { type: 'bearer' })
        .send({
          name: `agent ${String(tokens)}`,
          description: '',
          lifespan: null,
          adminPermissions: permissions.map((permission) => ({
            subject: null,
            properties: {},
            conditions: [],
            ...permission,
          })),
        });
      expect({ status, body: body as unknown }).toMatchObject({ status: 201 });
      const { accessKey } = (body as { data: { accessKey: string } }).data;
      const client = new Client({ name: 'test', version: '1.0.0' });
      const requestInit = { headers: { authorization: `Bearer ${accessKey}` } };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${app.url}/mcp`), { requestInit }),
      );
      clients.push(client);
      return client;
    },
    close: () => Promise.all(clients.map((client) => client.close())),
  };
}

/** What a tool answers. */
export async function callTool(client: Client, name: string, input: Record<string, unknown> = {}) {
  const { content, isError, structuredContent } = await client.callTool({
    name,
    arguments: input,
  });
  return {
    data: structuredContent,
    isError: isError === true,
    text: content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(' '),
    pictures: content.flatMap((part) => (part.type === 'image' ? [part.data] : [])),
  };
}
