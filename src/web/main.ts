import { mount } from 'svelte';
import App from './App.svelte';
import './style.css';
import { followTheme } from './theme.ts';

followTheme();
mount(App, { target: document.getElementById('page') as HTMLElement });
