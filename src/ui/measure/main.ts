/** The page "Measure this browser", apart from the other one so that neither loads the other. */
import '../trusted-types.ts';
import { mount } from 'svelte';
import MeasurePage from './MeasurePage.svelte';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/shared.css';

const target = document.getElementById('page');
if (!target) throw new Error('measure.html has no element with the id "page"');
mount(MeasurePage, { target });
