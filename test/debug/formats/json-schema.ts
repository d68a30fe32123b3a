interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
}
interface Root extends Schema {
  readonly $defs: Readonly<Record<string, Schema>>;
}

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;

/** What of a value a JSON schema does not allow, by path: the keywords that docs/trace.schema.json has, and an error for others. */
export function faults(root: Root, value: unknown, schema: Schema = root, path = '$'): string[] {
  const known = ['$ref', 'type', 'const', 'enum', 'pattern', 'minimum', 'properties', 'required', 'additionalProperties', 'items', 'oneOf'];
  const strange = Object.keys(schema).filter((k) => !known.includes(k) && !['$defs', '$schema', '$id', 'title', 'description'].includes(k));
  if (strange.length > 0) throw new Error(`the schema has ${strange.join(', ')} at ${path}`);
  const out: string[] = [];
  if (schema.$ref !== undefined) out.push(...faults(root, value, root.$defs[schema.$ref.replace('#/$defs/', '')] as Schema, path));
  if (schema.type !== undefined && ![schema.type].flat().includes(typeOf(value))) out.push(`${path} is no ${schema.type}`);
  if ('const' in schema && schema.const !== value) out.push(`${path} is not ${schema.const}`);
  if (schema.enum !== undefined && !schema.enum.includes(value)) out.push(`${path} is none of ${schema.enum.join(', ')}`);
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(String(value)))
    out.push(`${path} does not match ${schema.pattern}`);
  if (schema.minimum !== undefined && !(Number(value) >= schema.minimum)) out.push(`${path} is less than ${schema.minimum}`);
  if (schema.oneOf !== undefined) {
    const all = schema.oneOf.map((s) => faults(root, value, s, path));
    if (all.filter((f) => f.length === 0).length !== 1) out.push(`${path} is not one of ${all.map((f) => `(${f.join('; ')})`).join(' ')}`);
  }
  if (Array.isArray(value) && schema.items !== undefined)
    for (const [n, v] of value.entries()) out.push(...faults(root, v, schema.items, `${path}[${n}]`));
  if (typeOf(value) === 'object' && (schema.properties !== undefined || schema.required !== undefined)) {
    const object = value as Readonly<Record<string, unknown>>;
    for (const name of schema.required ?? []) if (!(name in object)) out.push(`${path}.${name} is missing`);
    for (const [name, v] of Object.entries(object)) {
      const property = schema.properties?.[name];
      if (property !== undefined) out.push(...faults(root, v, property, `${path}.${name}`));
      else if (schema.additionalProperties === false) out.push(`${path}.${name} is unknown`);
    }
  }
  return out;
}
